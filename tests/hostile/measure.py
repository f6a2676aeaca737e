"""The whole corpus through the functions that read it, in this process, measured.

    python -m tests.hostile.measure [--out FILE.json] [--page docs/hostile.md]

Prints a line per class of input: how many, how many were read and how many refused, and the worst time (of
the processor) and memory of one input.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from fsl.base.errors import FslError, ImageReadError
from fsl.data.images.decode import decode_image
from fsl.data.intake.zips import list_zip
from fsl.fewshot.project import read_project
from fsl.training.snapshots import read_snapshots
from fsl.training.status import read_run, run_events
from fsl.twin import checkpoint
from fsl.twin.network import TwinNetwork
from tests.hostile.archives import GOOD, archives, zipped
from tests.hostile.checkpoints import MODEL, checkpoints
from tests.hostile.costly import costly
from tests.hostile.costs import Costs
from tests.hostile.images import encoded, images
from tests.hostile.inputs import Hostile
from tests.hostile.projects import projects
from tests.hostile.runs import HostileRun, runs
from tests.hostile.watch import watching

MOST_SECONDS = 2.0
"""Processor seconds for one input, on a processor that counts in ``COUNTING_SECONDS``."""
COUNTING_SECONDS = 0.1
MOST_MEGABYTES = 300.0
"""On top of what was held, for one input."""


@dataclass(frozen=True)
class Result:
    """What came of one input.

    Attributes:
        kind, name: of the input.
        read: whether it was accepted.
        message: why not; of an archive, the messages on what in it was refused.
        seconds: of processor time, with that of the workers; if it is more than the bound, at the speed that
            the bound is for, as a processor may be slow or shared.
        megabytes: most memory taken on top of what was held before, with that of the workers.
        fault: what should not have been; "" if all is well.
    """

    kind: str
    name: str
    read: bool
    message: str
    seconds: float
    megabytes: float
    fault: str


def results() -> Iterator[Result]:
    """Every input's."""
    list_zip(zipped(GOOD))
    decode_image(encoded(Image.new("RGB", (4, 4)), "TIFF"), "starts a worker")
    TwinNetwork(MODEL)
    with torch.device("meta"):
        TwinNetwork(MODEL)  # what torch imports the first time is no input's doing
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for one in images():
            yield _measured(one, lambda one=one: _read_image(one), place)
        for one in costly():
            yield _measured(one, lambda one=one: _read_image(one), place)
        for one in archives():
            yield _measured(one, lambda one=one: _read_archive(one), place)
        for one in projects():
            yield _measured(one, lambda one=one: _read_project(one), place)
        for one in checkpoints():
            yield _measured(one, lambda one=one: _read_checkpoint(one, place), place)
        for run in runs():
            yield _measured(run, lambda run=run: _read_run(run, place), place)


def _measured(one: Hostile | HostileRun, read: Callable[[], str], place: Path) -> Result:
    message, fault, was_read = "", "", True
    with Costs() as costs, watching(place) as watch:
        try:
            message = read()
        except FslError as error:
            was_read, message = False, str(error)
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            was_read, fault = False, f"{type(error).__name__}: {error}"
    seconds = costs.seconds
    if seconds > MOST_SECONDS:
        seconds /= max(1.0, _slowness())
    faults = [fault, *watch.faults]
    if isinstance(one, Hostile):
        if one.good is not None and was_read != one.good:
            faults.append(f"it was {'read' if was_read else 'refused'}: {message}")
        if not was_read and _plain(one.name) not in message:
            faults.append(f"the message does not name the file: {message}")
    if "Traceback" in message or "\x1b" in message:
        faults.append(f"the message is not fit to be shown: {message}")
    shown = "; ".join(f for f in faults if f)
    return Result(one.kind, one.name, was_read, message, round(seconds, 3), round(costs.megabytes, 1), shown)


def _slowness() -> float:
    """How many times slower this processor is now than the bound assumes."""
    began, total = time.process_time(), 0
    for number in range(2_000_000):
        total += number % 7
    return (time.process_time() - began) / COUNTING_SECONDS


def _plain(name: str) -> str:
    """A part of the name that every message shows as it is."""
    return max("".join(c if c.isascii() and c.isalnum() else " " for c in name).split(), key=len)


def _read_image(one: Hostile) -> str:
    image = decode_image(one.data, one.name)
    assert image.mode == "RGB" and max(image.size) <= 1024, f"{image.mode} {image.size}"
    return ""


def _read_archive(one: Hostile) -> str:
    listing = list_zip(one.data, one.name)
    messages, kept = [str(problem) for problem in listing.problems], set()
    for entry in listing.entries:
        try:
            decode_image(entry.read(), entry.name)
            kept.add(entry.name)
        except ImageReadError as error:
            messages.append(str(error))
    assert kept >= set(one.keeps), f"good files were lost: {set(one.keeps) - kept}"
    return "; ".join(messages[:20])


def _read_project(one: Hostile) -> str:
    project, problems = read_project(one.data, one.name)
    text = json.dumps([name for name, _ in project.classes], ensure_ascii=False)
    text.encode()  # what cannot be encoded cannot be sent to a browser
    return "; ".join(map(str, problems[:20]))


def _read_checkpoint(one: Hostile, place: Path) -> str:
    path = place / one.name
    path.write_bytes(one.data)
    try:
        checkpoint.load(path)
    finally:
        path.unlink()
    return ""


def _read_run(one: HostileRun, place: Path) -> str:
    folder = place / "runs" / one.name
    for name, data in one.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    info = read_run(folder)
    run_events(folder)
    info.name.encode()
    try:
        read_snapshots(folder)
    except FslError as error:
        return "; ".join((*info.problems, str(error)))
    return "; ".join(info.problems)


def table(found: list[Result]) -> dict[str, dict[str, float]]:
    """By class of input."""
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for result in found:
        by_kind[result.kind].append(result)
    return {
        kind: {
            "inputs": len(members),
            "read": sum(r.read for r in members),
            "refused": sum(not r.read for r in members),
            "faults": sum(bool(r.fault) for r in members),
            "most_seconds": max(r.seconds for r in members),
            "most_megabytes": max(r.megabytes for r in members),
        }
        for kind, members in by_kind.items()
    }


PAGE = """# Hostile files

This page shows what happens to {n_inputs} files made to do harm, by class: truncated files and files with
flipped bits, decompression bombs, floods of empty blocks, zips with paths that lead out of their folder,
pickles under another name, headers that lie, damaged run folders. `tests/hostile` makes them. The test suite
sends them through the functions that read them (the table below), through the command line and the pages.

**The bound:** a file of any size costs at most {MOST_SECONDS:g} seconds of the processor and
{MOST_MEGABYTES:g} MB of memory, or is refused at no more than that. On a processor slower than one that
counts two million numbers in {COUNTING_SECONDS:g} seconds, the bound is longer by as much.
Three things hold it:

- The structure of a file is checked before a decoder sees it: segments and passes of a JPEG, chunks of a PNG,
  tags, strips, tiles and the JPEGs inside of a TIFF, blocks, boxes and comments of the others
  (`fsl/data/images/structure`).
- What is not plainly harmless (a plain JPEG or PNG of moderate size) is decoded by a worker process with
  limits on its processor time and memory (`fsl/data/images/bounds.py`). One that a picture brings down is
  replaced, and that one picture is refused.
- Every zip passes one gate (`fsl/data/intake/zip_gate.py`): its list of files is measured before it is read,
  and the room for all files is counted before any of them is unpacked.

Memory is what refuses some harmless files as well: colour PNG and TIFF of more than about 50 million pixels
(less for a large file), AVIF and HEIC of more than about 27 million, and WebP of more than about 12 million.
Pillow decodes these formats whole, at 4 bytes a pixel, AVIF and HEIC at 9, and WebP through a reader of
animations at 20; it offers neither rows nor a smaller scale. JPEG is decoded at a smaller scale, and 8-bit
grey takes a quarter, so 100 million pixels of those are read. The message says so, and that JPEG is the way
out.

*Refused* means a message that names the file and the reason. From a zip that can be read, the good pictures
are kept and the bad ones are named. A *fault* would be anything else: another error, a good file lost,
something written elsewhere, connected to or unpickled. The columns for processor seconds and megabytes show
the worst input of the class, with those of the workers. This command writes the page:

```sh
python -m tests.hostile.measure --page docs/hostile.md
```

| class of input | inputs | read | refused | faults | seconds | MB |
|---|---:|---:|---:|---:|---:|---:|
"""


def page(rows: dict[str, dict[str, float]], n_inputs: int) -> str:
    """The table as a page of the docs."""
    lines = [
        f"| {kind} | {row['inputs']} | {row['read']} | {row['refused']} | {row['faults']} | "
        f"{row['most_seconds']:.2f} | {max(0.0, row['most_megabytes']):.0f} |\n"
        for kind, row in rows.items()
    ]
    bound = {"MOST_SECONDS": MOST_SECONDS, "MOST_MEGABYTES": MOST_MEGABYTES}
    return PAGE.format(n_inputs=n_inputs, **bound) + "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="keep the table as JSON")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="write the table into a page")
    parser.add_argument("--all", action="store_true", help="print every result as a line of JSON instead")
    options = parser.parse_args()
    found = []
    for result in results():
        found.append(result)
        if options.all:
            print(json.dumps(asdict(result)), flush=True)
    rows = table(found)
    if options.out:
        options.out.write_text(json.dumps({"inputs": len(found), "classes": rows}, indent=1) + "\n")
    if options.page:
        options.page.write_text(page(rows, len(found)), encoding="utf-8")
    if not options.all:
        print(
            f"{'class of input':40} {'inputs':>6} {'read':>5} {'refused':>8} {'faults':>6} {'s':>6} {'MB':>5}"
        )
        for kind, row in rows.items():
            print(
                f"{kind:40} {row['inputs']:6} {row['read']:5} {row['refused']:8} {row['faults']:6} "
                f"{row['most_seconds']:6.2f} {row['most_megabytes']:5.0f}"
            )
        print(f"{len(found)} inputs, {sum(bool(r.fault) for r in found)} faults")
        for result in found:
            if result.fault:
                print(f"  {result.kind}, {result.name!r}: {result.fault}")


if __name__ == "__main__":
    main()
