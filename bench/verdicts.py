"""Measure how often the verdicts on training runs are correct.

    python -m bench verdicts [--out FILE.json] [--tuning]

It trains small networks with various rates, losses, optimisers and data sets, and compares the verdict that
``fsl.training.verdict.judge`` gives on a run's events with the outcome. The outcome comes from probes of the
network on fixed images, before training and eight times during it; ``judge`` never sees them (``outcome``
below). ``--tuning`` trains other runs, of other classes and seeds, on which the numbers of the rules were
chosen; the runs of the plain command had no part in that.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.builtin import digits_set, rendered_set
from fsl.data.imageset import ImageSet
from fsl.fewshot.evaluate import evaluate
from fsl.fewshot.metrics import auroc, ci95
from fsl.training.batch import Batch, pair_loss
from fsl.training.engine import train
from fsl.training.events import Pause, TrainEvent, Verdict
from fsl.training.state import TrainState, new_state
from fsl.training.verdict import judge
from fsl.twin.inference import embed_images
from fsl.twin.pairs import all_pairs
from fsl.twin.preprocess import normalise, to_unit

KINDS = ("learning", "stalled", "collapsed", "diverged", "overfitting")
RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
SIZE = 16
CONV4 = ModelConfig(widths=(12, 16, 16, 24), image_size=SIZE)
PLAIN4 = ModelConfig(backbone="plain4", widths=(16, 24, 24, 32), image_size=SIZE)
KINDS_OF_RUN: dict[str, tuple[ModelConfig, dict[str, str]]] = {
    "plain4 bce": (PLAIN4, {"pairing": "random"}),
    "plain4 bce sgd": (PLAIN4, {"optimiser": "sgd"}),
    "plain4 bce+rank": (PLAIN4, {"loss": "bce+rank"}),
    "plain4 contrastive": (PLAIN4, {"loss": "contrastive"}),
    "plain4 triplet": (PLAIN4, {"loss": "triplet"}),
    "conv4 bce": (CONV4, {"pairing": "random"}),
}
BASE = TrainConfig(
    steps=160,
    batch_classes=6,
    batch_images=4,
    batch_pairs=32,
    evaluate_every=20,
    evaluation=EpisodeConfig(n_way=5, n_query=3, n_episodes=200),
    report_every=5,
    precision="fp32",
    device="cpu",
    augment=NO_AUGMENTATION,
)
PROBE_EPISODES = EpisodeConfig(n_way=20, n_query=3, n_episodes=600, seed=77)
N_PROBE_IMAGES = 120
N_PROBES = 8


@dataclass(frozen=True)
class Job:
    name: str
    data: str
    config: TrainConfig
    model: ModelConfig
    pretrained: bool = False


@dataclass(frozen=True)
class Probe:
    """The network at one moment, measured on fixed images and not taken from the run's events.

    Attributes:
        finite: whether all weights are finite.
        loss: the run's loss over all pairs of the probe images.
        auc: area under the ROC curve of the head's logits on those pairs.
        spread: largest distance of an embedding from the mean, relative to the longest embedding.
        episodes: accuracy of each episode of validation classes.
    """

    finite: bool
    loss: float
    auc: float
    spread: float
    episodes: np.ndarray


def colours(n_classes: int, per_class: int, seed: int) -> ImageSet:
    """Return noisy images of classes that differ in colour."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(60, 200, (n_classes, 1, 1, 1, 3))
    noise = rng.normal(0, 50, (n_classes, per_class, SIZE, SIZE, 3))
    tint = rng.normal(0, 25, (n_classes, per_class, 1, 1, 3))
    images = (centre + tint + noise).clip(0, 255).astype(np.uint8).reshape(-1, SIZE, SIZE, 3)
    labels = np.repeat(np.arange(n_classes), per_class)
    return ImageSet(images, labels, tuple(map(str, range(n_classes))), ("",) * len(labels))


def data_sets(tuning: bool) -> dict[str, tuple[ImageSet, ImageSet]]:
    """Return training and validation classes by data set; tuning and testing have no class in common."""
    drawn = rendered_set(SIZE, 12)
    names = drawn.class_names[0::2] if tuning else drawn.class_names[1::2]
    digits = digits_set(SIZE, 40, seed=5 if tuning else 0)
    of_digits = [f"digit {d}" for d in range(10)]
    mine, other = (of_digits[0::2], of_digits[1::2]) if tuning else (of_digits[1::2], of_digits[0::2])
    coloured = colours(16, 12, seed=105 if tuning else 5)
    return {
        "rendered": (drawn.select_classes(names[:7]), drawn.select_classes(names[7:])),
        "digits": (digits.select_classes(mine), digits.select_classes(other)),
        "coloured noise": (
            coloured.select_classes([str(i) for i in range(9)]),
            coloured.select_classes([str(i) for i in range(9, 16)]),
        ),
    }


def jobs(tuning: bool) -> list[Job]:
    seed = 1000 if tuning else 0
    out = []
    for data in ("rendered", "digits", "coloured noise"):
        for i, rate in enumerate(RATES):
            for kind, (model, changes) in KINDS_OF_RUN.items():
                config = replace(BASE, learning_rate=rate, seed=seed + i, **changes)
                out.append(Job(f"{data}, {kind}, {rate:g}", data, config, model))
        for i in range(6):  # a trained network, fine-tuned on three classes of few images
            rate = (1e-3, 3e-3)[i % 2]
            config = replace(BASE, learning_rate=rate, seed=seed + 20 + i, evaluate_first=True)
            name = f"{data}, fine-tuned on little, {rate:g}, {i}"
            out.append(Job(name, data, config, CONV4, pretrained=True))
    return out


@torch.no_grad()
def probe(state: TrainState, config: TrainConfig, data: ImageSet, validation: ImageSet) -> Probe:
    twin = state.twin.copy().train()
    finite = all(bool(torch.isfinite(v).all()) for v in twin.state_dict().values())
    rows = np.random.default_rng(1).permutation(len(data))[:N_PROBE_IMAGES]
    slots = torch.from_numpy(data.labels[rows])
    embeddings = twin.embed(normalise(to_unit(data.images[rows], state.device), twin.config))
    batch = Batch(rows, slots, *all_pairs(slots))
    judged = pair_loss(twin, embeddings, batch, config)
    logits, is_different = judged.logits.double(), batch.difference.bool()
    can_rank = finite and bool(torch.isfinite(logits).all())
    auc = auroc(logits[is_different].numpy(), logits[~is_different].numpy()) if can_rank else 0.5
    length = embeddings.norm(dim=1).max()
    spread = float((embeddings - embeddings.mean(0)).norm(dim=1).max() / (length + 1e-12))
    twin.eval()
    labels = validation.labels
    config = replace(PROBE_EPISODES, n_way=len(np.unique(labels)))
    result = evaluate(twin, embed_images(twin, validation.images), labels, config)
    return Probe(finite, float(judged.loss), auc, spread, result.episode_accuracy)


def outcome(probes: list[Probe], on_embeddings: bool) -> str:
    """Return the outcome of a run by its probes alone, in the words of ``fsl.training.verdict``.

    Args:
        probes: in order.
        on_embeddings: whether the loss is on the embeddings, so that equal embeddings are "collapsed".
    """
    start, end = probes[0], probes[-1]
    if not end.finite or not np.isfinite(end.loss):
        return "diverged"
    if end.spread < 1e-2 and end.auc < 0.6 and on_embeddings:
        return "collapsed"
    if end.loss > 3 * start.loss:
        return "diverged"
    if end.auc < 0.55 or end.loss > 0.98 * start.loss:
        return "stalled"
    for earlier in probes[:-1]:
        lost = earlier.episodes - end.episodes
        if lost.mean() > max(0.03, ci95(lost)) and end.loss < 0.9 * earlier.loss:
            return "overfitting"
    return "learning"


def run(job: Job, sets: dict[str, tuple[ImageSet, ImageSet]]) -> tuple[str, list[TrainEvent]]:
    data, validation = sets[job.data]
    start: TrainState | None = None
    if job.pretrained:
        start = new_state(replace(BASE, learning_rate=3e-3, seed=job.config.seed), job.model)
        for _ in train(data, replace(BASE, learning_rate=3e-3, evaluate_every=0), start):
            pass
        chosen = np.random.default_rng(job.config.seed).permutation(data.n_classes)[:3]
        few = np.concatenate([np.flatnonzero(data.labels == c)[:3] for c in chosen])
        names = tuple(data.names[i] for i in few)
        data = replace(data, images=data.images[few], labels=data.labels[few], names=names)
    state = new_state(job.config, start.twin if start else job.model)
    probes = [probe(state, job.config, data, validation)]
    events: list[TrainEvent] = []
    for event in train(data, job.config, state, validation):
        if not isinstance(event, Pause):
            events.append(event)
        elif event is Pause.BATCH and state.step and state.step % (job.config.steps // N_PROBES) == 0:
            probes.append(probe(state, job.config, data, validation))
    if state.step < job.config.steps:  # the run ended early
        probes.append(probe(state, job.config, data, validation))
    return outcome(probes, job.config.loss in ("contrastive", "triplet")), events


def table(rows: list[dict[str, str]], key: str) -> list[dict[str, object]]:
    out = []
    for kind in KINDS:
        said = [r for r in rows if r[key] == kind]
        true = [r for r in rows if r["outcome"] == kind]
        right = sum(r["outcome"] == kind for r in said)
        out.append(
            {
                "kind": kind,
                "runs": len(true),
                "said": len(said),
                "right": right,
                "precision": right / len(said) if said else None,
                "recall": right / len(true) if true else None,
            }
        )
    return out


def show(lines: list[dict[str, object]]) -> None:
    print(f"{'verdict':12} {'runs':>5} {'said':>5} {'right':>5} {'precision':>9} {'recall':>7}")
    for line in lines:
        p, r = (f"{line[k]:.2f}" if line[k] is not None else "-" for k in ("precision", "recall"))
        print(f"{line['kind']:12} {line['runs']:5} {line['said']:5} {line['right']:5} {p:>9} {r:>7}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, help="write every run and the table as JSON")
    parser.add_argument("--tuning", action="store_true", help="the runs on which the rules were chosen")
    options = parser.parse_args()
    sets = data_sets(options.tuning)
    rows, began = [], time.perf_counter()
    for job in jobs(options.tuning):
        true, events = run(job, sets)
        middle = [e for e in events if e.step <= job.config.steps // 2]
        final: Verdict = judge(events)
        rows.append(
            {
                "run": job.name,
                "outcome": true,
                "verdict": final.kind,
                "at_half": judge(middle).kind,
                "evidence": final.evidence,
                "advice": final.advice,
            }
        )
        mark = " " if true == final.kind else "X"
        print(f"{mark} {job.name:45} {true:12} {final.kind:12} {final.evidence}", file=sys.stderr, flush=True)
    result = {
        "command": "python -m bench verdicts" + (" --tuning" if options.tuning else ""),
        "runs": len(rows),
        "seconds": round(time.perf_counter() - began),
        "right": sum(r["outcome"] == r["verdict"] for r in rows) / len(rows),
        "at_the_end": table(rows, "verdict"),
        "at_half": table(rows, "at_half"),
        "outcomes": Counter(r["outcome"] for r in rows),
        "each": rows,
    }
    print(f"{len(rows)} runs, {result['right']:.1%} right at the end")
    show(result["at_the_end"])
    print("halfway, against the outcome at the end")
    show(result["at_half"])
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
