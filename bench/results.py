"""Test every checkpoint that ships, and write the README's table of results.

    python -m bench results [CHECKPOINT ...]     measure these (by default all), then write the table
    python -m bench results --table              write the table from bench/results/results.json

Every figure comes from a command of ``python -m fsl``; the JSON file holds both. Missing checkpoints, and
figures of checkpoints that have changed since, are left out with a note. The data sets must be in
FSL_DATA_DIR.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench._measure import RESULTS, machine, say
from bench.all import README, with_table
from bench.photos_against_cosine import COSINE_NAME
from fsl.config import ModelConfig
from fsl.fewshot.metrics import ci95
from fsl.twin.checkpoint_files import CHECKPOINT_DIR, SUFFIX, read_info

FILE = RESULTS / "results.json"
AGAINST_COSINE = RESULTS / "photos_against_cosine.json"
BEGIN, END = "<!-- results: written by `python -m bench results` -->", "<!-- /results -->"
DATA = "$FSL_DATA_DIR"
LITE0 = "ImageNet-pretrained EfficientNet-Lite0, cosine, no training"
BESIDE = "measured beside this project"
RIVALS = {"pixels": "nearest neighbour by pixels", "cosine:photos": "its features by plain cosine"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Test:
    """One row of a table.

    Attributes:
        checkpoint: name of the checkpoint.
        data: the test data, in words.
        what: the test, in words.
        command: words after ``python -m fsl``; the data folder is written as ``DATA``.
        figure: formats the figure of the command's JSON, with its 95% interval.
        against: figures of others, each with its source.
        rival: a checkpoint or baseline tested on the same episodes; the difference is paired. "" for none.
        metric: name of the same figure in the checkpoint's header, "" if it has none.
        unstructured: whether an episode has characters of several alphabets, which is another task than
            characters of one alphabet; these tests have a table of their own.
    """

    checkpoint: str
    data: str
    what: str
    command: tuple[str, ...]
    figure: Callable[[Json], str]
    against: str = ""
    rival: str = ""
    metric: str = ""
    unstructured: bool = False

    @property
    def only_told(self) -> bool:
        """Return whether the only figure is that of the header."""
        return self.command == ("checkpoints",)

    @property
    def shown(self) -> str:
        """Return the command as one line for a shell."""
        note = f" --json # {self.checkpoint}: {self.metric}" if self.only_told else ""
        return f"python -m fsl {' '.join(self.command)}{note}"


def mean_with_interval(out: Json) -> str:
    """Return an accuracy with its interval over episodes, as papers do; older results have no other."""
    return f"{out['accuracy']:.3f} ± {out.get('ci95_episodes', out['ci95']):.3f}"


def share_of_runs(out: Json) -> str:
    per_run = np.array([run["correct"] / run["total"] for run in out["per_run"]])
    return f"{out['accuracy']:.4f} ± {ci95(per_run):.4f} ({out['correct']} of {out['total']})"


def equal_error(out: Json) -> str:
    low, high = out["eer_interval"]
    return f"equal error rate {out['eer']:.3f} ({low:.3f} to {high:.3f})"


def unknown_auroc(out: Json) -> str:
    return f"area under the ROC curve {out['unknown_auroc']:.3f}"


def episodes(
    checkpoint: str,
    data: str,
    classes: str,
    title: str,
    way: int,
    shot: int,
    per_class: int = 0,
    **more: Any,
) -> Test:
    command = (
        "evaluate", "--data", data, "--classes", f"{DATA}/splits/{classes}", "--checkpoint", checkpoint,
        "--way", str(way), "--shot", str(shot), "--episodes", "1000",
    )  # fmt: skip
    command += ("--per-class", str(per_class)) if per_class else ()
    what = f"{way}-way {shot}-shot, 1,000 episodes"
    return Test(checkpoint, title, what, command, mean_with_interval, **more)


def open_set(test: Test) -> Test:
    """Return an open-set test on the same episodes: known classes against unknown ones."""
    what = f"unknown classes told from known ones, {test.what}"
    return replace(test, what=what, figure=unknown_auroc, against="", rival="")


def told(checkpoint: str, metric: str, title: str, way: int, shot: int) -> Test:
    """Return a test with the header's figure, measured before the ``val`` classes joined the training."""
    metric = f"{metric} {way}-way {shot}-shot"
    return Test(
        checkpoint,
        title,
        f"{way}-way {shot}-shot, 1,000 episodes",
        ("checkpoints",),
        mean_with_interval,
        metric=metric,
    )


def pairs(checkpoint: str, data: str, classes: str, title: str, against: str = "") -> Test:
    command = ("verify", "--data", data, "--classes", f"{DATA}/splits/{classes}", "--checkpoint", checkpoint)
    return Test(checkpoint, title, "same or different, all pairs", command, equal_error, against)


FRUIT = "Fruits-360, 35 classes of fruit families never seen"
FEW_FRUIT = f"{FRUIT}, 20 photos of each"
GROCERY = "grocery photographs, 14 classes that chose its settings, before they were added to its training"
TINY = "Tiny ImageNet (which its backbones know from ImageNet), 35 classes that chose its settings, likewise"
ALPHABETS = "Omniglot, the 5 `val` alphabets, which chose its settings"
RUNS = "people 0.955, BPL 0.967 (Lake et al. 2015); Koch et al.'s Siamese network 0.920 (2015)"
OTHERS = "Matching Nets 0.938, MAML 0.958, ProtoNet 0.960, on other characters (the papers)"

TESTS = (
    episodes("fruits", "fruits360", "fruits360.json:novel", FRUIT, 20, 1,
             against=f"{LITE0}: 0.871 ({BESIDE})", rival="pixels", metric="novel 20-way 1-shot"),
    episodes("fruits", "fruits360", "fruits360.json:novel", FRUIT, 20, 5,
             against=f"{LITE0}: 0.976 ({BESIDE})", rival="pixels", metric="novel 20-way 5-shot"),
    Test("glyphs", "Omniglot, the 20 published runs", "20-way 1-shot within one alphabet",
         ("omniglot-runs", "--runs", f"{DATA}/omniglot-one-shot-runs.zip", "--checkpoint", "glyphs"),
         share_of_runs, RUNS),
    episodes("glyphs", "omniglot", "omniglot.json:val", ALPHABETS, 20, 1,
             against=OTHERS, rival="pixels", unstructured=True),
    episodes("glyphs", "omniglot", "omniglot.json:val", ALPHABETS, 20, 5, rival="pixels", unstructured=True),
    pairs("faces", "orl", "faces.json:orl.novel", "ORL, 6 people never seen",
          "a Siamese CNN on ORL, people never seen: 0.033 (a 2016 IEEE paper)"),
    pairs("faces", "lfw", "faces.json:lfw.novel", "LFW (press photos), 43 people never seen"),
    episodes("faces", "orl", "faces.json:orl.novel", "ORL, all of the 6 people never seen", 6, 1),
    episodes("faces", "lfw", "faces.json:lfw.novel", "LFW, 43 people never seen", 10, 1),
    *(episodes("photos", "fruits360", "fruits360.json:novel", FEW_FRUIT, 20, shot, per_class=20,
               against=f"{LITE0}: {cosine} on all photos ({BESIDE})", rival="cosine:photos")
      for shot, cosine in ((1, "0.871"), (5, "0.976"))),
    open_set(episodes("photos", "fruits360", "fruits360.json:novel", FEW_FRUIT, 5, 5, per_class=20)),
    told("photos", "grocery val", GROCERY, 14, 1), told("photos", "grocery val", GROCERY, 14, 5),
    told("photos", "tiny-imagenet val", TINY, 20, 1), told("photos", "tiny-imagenet val", TINY, 20, 5),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(dict.fromkeys(test.checkpoint for test in TESTS))
    parser.add_argument("checkpoint", nargs="*", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--table", action="store_true", help="only write the table from the results")
    parser.add_argument(
        "--told", action="store_true", help="take figures from the checkpoints' headers where they hold them"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.checkpoint) - set(names))
    if unknown:
        parser.error(f"there are no tests of {', '.join(unknown)}; there are of {', '.join(names)}")
    known = read()
    if not options.table:
        for test in TESTS:
            if test.checkpoint in (options.checkpoint or names) and digest(test.checkpoint):
                measure(test, known, options.told)
    absent = [name for name in names if not digest(name)]
    for name in absent:
        say(f"{name}: left out, because there is no such checkpoint")
    text = README.read_text(encoding="utf-8")
    README.write_text(with_table(text, tables(known, digest), BEGIN, END), encoding="utf-8")


def measure(test: Test, known: dict[str, Json], told: bool) -> None:
    """Run a test and write its result at once, so that a later failure loses nothing."""
    from_header = test.only_told or (told and bool(test.metric))
    out = header_of(test) if from_header else output_of(test.command)
    if out is None:
        return
    result: Json = {
        "checkpoint": test.checkpoint,
        "network": digest(test.checkpoint),
        "command": test.shown,
        "figure": test.figure(out),
        "seconds": out.get("wall_seconds"),
        "output": {k: v for k, v in out.items() if k not in ("confusion", "episode_accuracy", "per_class")},
    }
    if from_header:
        rival_told = plain_cosine_of(test)
        if rival_told:
            result["rival"] = rival_told
    elif test.rival:
        position = test.command.index("--checkpoint") + 1
        rival = (*test.command[:position], test.rival, *test.command[position + 1 :])
        theirs = output_of(rival)
        if theirs is not None:
            result["rival"] = rival_result(test, rival, out, theirs)
    known[test.shown] = result
    result["machine"] = machine()
    RESULTS.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    say(f"{test.checkpoint}, {test.data}, {test.what}: {result['figure']}")


def header_of(test: Test) -> Json | None:
    """Return a figure of the checkpoint's header, or None, with a note, if it is missing."""
    found = read_info(CHECKPOINT_DIR / f"{test.checkpoint}{SUFFIX}").metrics.get(test.metric)
    if found is None:
        say(f"left out: the header of {test.checkpoint} has no figure {test.metric!r}")
    return found


def plain_cosine_of(test: Test) -> Json | None:
    """Return plain cosine's figure on the same episodes, by ``python -m bench photos_against_cosine``."""
    if test.checkpoint != "photos" or not AGAINST_COSINE.is_file():
        return None
    rows = json.loads(AGAINST_COSINE.read_text(encoding="utf-8"))
    found = (r for r in rows if test.metric == f"{r['data']} {r['way']}-way {r['shot']}-shot")
    row = next((r for r in found if r["network"] == COSINE_NAME), None)
    return row and {"name": row["network"], "figure": mean_with_interval(row)}


def rival_result(test: Test, command: Sequence[str], ours: Json, theirs: Json) -> Json:
    """Return the rival's accuracy, and the difference on the same episodes with its own interval."""
    gain = np.array(ours["episode_accuracy"]) - np.array(theirs["episode_accuracy"])
    return {
        "name": test.rival,
        "command": f"python -m fsl {' '.join(command)}",
        "figure": mean_with_interval(theirs),
        "difference": float(gain.mean()),
        "difference_ci95": ci95(gain),
    }


def output_of(command: Sequence[str]) -> Json | None:
    """Run a command and return its JSON with its seconds, or None, with a note, if it fails."""
    words = [word.replace(DATA, os.environ.get("FSL_DATA_DIR", ".")) for word in command]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "fsl", *words, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        say(f"left out: python -m fsl {shlex.join(words)} ended with {done.returncode}: {last[0]}")
        return None
    out: Json = json.loads(done.stdout)
    out.pop("faces", None)  # hundreds of boxes
    return {**out, "wall_seconds": round(time.perf_counter() - began, 1)}


def read() -> dict[str, Json]:
    """Return the stored results by command."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}


def digest(checkpoint: str) -> str:
    """Return the sha256 of everything that a shipped checkpoint's figures depend on, "" if it is missing.

    That is its weights, architecture and rule: a new calibration changes its file, but not its answers.
    Settings at their defaults are left out, so that adding a setting does not change the digest.
    """
    file = CHECKPOINT_DIR / f"{checkpoint}{SUFFIX}"
    if not file.is_file():
        return ""
    info, data = read_info(file), file.read_bytes()
    weights = data[8 + int.from_bytes(data[:8], "little") :]  # after the header's length and the header
    defaults = ModelConfig().to_json()
    chosen = {name: value for name, value in info.model.to_json().items() if value != defaults[name]}
    settings = json.dumps([chosen, info.rule], sort_keys=True)
    return hashlib.sha256(settings.encode() + weights).hexdigest()


def tables(known: dict[str, Json], digest_of: Callable[[str], str]) -> str:
    """Return all tables in Markdown, without the results of checkpoints that have changed since."""
    current, stale = [], []
    for test in TESTS:
        result = known.get(test.shown)
        if result and result["network"] == digest_of(test.checkpoint):
            current.append((test, result))
        elif result:
            stale.append(test)
    for test in stale:
        say(f"left out: {test.checkpoint} has changed since {test.shown} was run")
    parts = [table([pair for pair in current if not pair[0].unstructured])]
    apart = [pair for pair in current if pair[0].unstructured]
    if apart:
        parts += [
            "Characters of several alphabets at once are an easier task, and no figure above can be compared "
            "with these:",
            table(apart),
        ]
    return "\n\n".join(parts)


def table(rows: Sequence[tuple[Test, Json]]) -> str:
    lines = [
        "| checkpoint | data | test | result (95% interval) | on the same episodes | others | took |",
        "|---|---|---|---|---|---|---|",
    ]
    for test, result in rows:
        cells = [f"`{test.checkpoint}`", test.data, test.what, result["figure"], versus(result)]
        took = "from its header" if result["seconds"] is None else f"{result['seconds']:.0f} s"
        lines.append("| " + " | ".join([*cells, test.against, took]) + " |")
    return "\n".join(lines)


def versus(result: Json) -> str:
    """Describe the rival's figure on the same episodes, and the difference."""
    rival = result.get("rival")
    if not rival:
        return ""
    name = RIVALS.get(rival["name"], rival["name"])
    if "difference" not in rival:
        return f"{name}: {rival['figure']}"
    return f"{name}: {rival['figure']}; {rival['difference']:+.3f} ± {rival['difference_ci95']:.3f}"


if __name__ == "__main__":
    main()
