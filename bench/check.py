"""Measure what ``fsl check`` finds of problems that were planted in real data sets.

    python -m bench check [--quick]

Each data set of FSL_DATA_DIR gives about 400 pictures (20 classes; 10 or 40 where it has fewer or smaller
ones). With each seed these are planted: 10 wrong labels (files moved to another class), 10 copies of files,
10 copies resized to 0.3 to 0.9 and saved as JPEG of quality 40 to 95, 10 copies cropped by up to 5% at each
side and saved again, and 5 pictures of other data sets, which may be reported as outliers or as suspects.
Half of the copies go to another class. What is reported without having been planted is counted on the
untouched pictures. A full run writes the table of docs/check.md.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import fsl
from bench._measure import RESULTS, Claim, finish, options_of, say
from bench.all import with_table
from fsl.data.images.decode import decode_image
from fsl.data.intake.folders import list_images
from fsl.data.intake.listing import ImageEntry
from fsl.fewshot.check import DataCheck, check_pictures
from fsl.fewshot.check_reading import LookedAt, look_and_embed
from fsl.twin.checkpoint import Checkpoint

DOCS = RESULTS.parents[1] / "docs" / "check.md"
BEGIN, END = "<!-- check: written by `python -m bench check` -->", "<!-- /check -->"
N_WRONG, N_COPIES, N_STRANGE = 10, 10, 5
FIRST = 15
N_IMAGES = 400


@dataclass(frozen=True)
class DataSet:
    file: str
    checkpoint: str
    n_classes: int
    part: str = ""


SETS = (
    DataSet("grocery-store-subset.zip", "photos", 20),
    DataSet("tiny-imagenet-subset.zip", "photos", 20),
    DataSet("fruits360-subset.zip", "photos", 20, "Test"),
    DataSet("clothing-subset.zip", "photos", 10),
    DataSet("sign-digits-subset.zip", "photos", 10),
    DataSet("lfw-subset.zip", "faces", 40),
    DataSet("omniglot-background.zip", "glyphs", 20),
)


@dataclass(frozen=True)
class Planted:
    """The pictures with what was planted, and the names of the latter."""

    entries: list[ImageEntry]
    wrong: set[str]
    copies: dict[str, list[tuple[str, str]]]
    strange: set[str]


def main() -> None:
    options = options_of(__doc__)
    folder = Path(os.environ.get("FSL_DATA_DIR", "."))
    sets = [one for one in SETS if (folder / one.file).is_file()][: 2 if options.quick else None]
    n_seeds = 1 if options.quick else 3
    pictures = {one.file: _pictures(folder, one) for one in sets}
    rows = []
    for one in sets:
        others = [entry for file, found in pictures.items() if file != one.file for entry in found]
        rows.append(_measured(one, pictures[one.file], others, n_seeds))
        say(f"{one.file}: {rows[-1]}")
    promised = [row for row in rows if row["classes"] == 20]
    fewest = min(float(row["fewest of a seed"]) for row in promised)
    shares = [float(row[kind]) for row in promised for kind in ("copies", "resized")]
    claims = [
        Claim(
            "wrong labels among the first 15 suspects, 20 classes, the worst seed",
            f"{fewest:g} of 10",
            "",
            "",
            "at least 7",
            fewest >= 7,
        ),
        Claim(
            "planted copies and resized copies that are found, 20 classes",
            f"{min(shares):.1%}",
            "",
            "",
            "all",
            min(shares) == 1,
        ),
    ]
    finish("check", claims, rows, options.quick, seeds=n_seeds)
    if not options.quick:
        DOCS.write_text(
            with_table(DOCS.read_text(encoding="utf-8"), _table(rows), BEGIN, END), encoding="utf-8"
        )


def _table(rows: Sequence[dict[str, object]]) -> str:
    lines = [
        "| data | network | images | classes | wrong labels among the first 15, mean (least) | copies | "
        "resized | cropped | strange pictures | not planted: near copies, suspects, outliers |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [f"{row[kind]:.0%}" for kind in ("copies", "resized", "cropped", "strange pictures")]
        alone = ", ".join(str(row[f"{kind} unplanted"]) for kind in ("near pairs", "suspects", "outliers"))
        hits = f"{row['wrong labels in first 15']:.1f} ({row['fewest of a seed']})"
        about = [row["data"], f"`{row['network']}`", row["images"], row["classes"], hits]
        lines.append("| " + " | ".join(map(str, [*about, *shares, alone])) + " |")
    return "\n".join(lines)


def _pictures(folder: Path, one: DataSet) -> list[ImageEntry]:
    """Return the pictures of some classes, evenly many of each; the same at every run."""
    listing = list_images(folder / one.file, one.part)
    rng = np.random.default_rng(1)
    names = sorted(listing.class_names)
    chosen = sorted(names[i] for i in rng.permutation(len(names))[: one.n_classes])
    per_class = N_IMAGES // one.n_classes
    entries = []
    for name in chosen:
        members = [entry for entry in listing.entries if entry.class_name == name]
        n = min(per_class, len(members))
        entries += [members[i * len(members) // n] for i in range(n)]
    return [ImageEntry(e.class_name, f"{e.class_name}/{i}.jpg", e.read) for i, e in enumerate(entries)]


def _measured(
    one: DataSet, entries: list[ImageEntry], others: Sequence[ImageEntry], n_seeds: int
) -> dict[str, object]:
    checkpoint = fsl.load(one.checkpoint, "cpu")
    began = time.perf_counter()
    clean, seen = _check(checkpoint, entries)
    seconds = time.perf_counter() - began
    hits, shares, strange = [], [], []
    for seed in range(n_seeds):
        planted = plant(entries, others, seed)
        found, looked_at = _check(checkpoint, planted.entries)
        first = {looked_at.names[suspect.row] for suspect in found.suspects[:FIRST]}
        hits.append(len(first & planted.wrong))
        shares.append(_shares(found, looked_at, planted))
        far = {looked_at.names[row] for row in (*found.outliers, *(one.row for one in found.suspects))}
        strange.append(len(far & planted.strange) / N_STRANGE)
    return {
        "data": one.file.removesuffix(".zip"),
        "network": one.checkpoint,
        "images": len(entries),
        "classes": len(seen.class_names),
        "wrong labels in first 15": float(np.mean(hits)),
        "fewest of a seed": min(hits),
        **{kind: float(np.mean([share[kind] for share in shares])) for kind in shares[0]},
        "strange pictures": float(np.mean(strange)),
        "near pairs unplanted": len(clean.near_duplicates),
        "suspects unplanted": len(clean.suspects),
        "outliers unplanted": len(clean.outliers),
        "seconds": round(seconds, 1),
    }


def _check(checkpoint: Checkpoint, entries: list[ImageEntry]) -> tuple[DataCheck, LookedAt]:
    seen, _ = look_and_embed(checkpoint, entries)
    return check_pictures(checkpoint.twin, seen.embeddings, seen.labels, seen.looks), seen


def _shares(found: DataCheck, seen: LookedAt, planted: Planted) -> dict[str, float]:
    """Return the share of each kind of planted copies that is reported together with its original."""
    together = [{seen.names[row] for row in group} for group in (*found.duplicates, *found.near_duplicates)]
    return {
        kind: sum(any({a, b} <= group for group in together) for a, b in pairs) / len(pairs)
        for kind, pairs in planted.copies.items()
    }


def plant(entries: Sequence[ImageEntry], others: Sequence[ImageEntry], seed: int) -> Planted:
    """Plant wrong labels, copies and strange pictures; no picture has two faults."""
    rng = np.random.default_rng(seed)
    classes = sorted({entry.class_name or "" for entry in entries})
    drawn = iter(rng.permutation(len(entries)).tolist())

    def another(name: str | None) -> str:
        return str(rng.choice([other for other in classes if other != name]))

    changed = list(entries)
    wrong = set()
    for number in range(N_WRONG):
        row = next(drawn)
        name = another(entries[row].class_name)
        changed[row] = ImageEntry(name, f"{name}/moved {number}.jpg", entries[row].read)
        wrong.add(changed[row].name)
    makers: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
        "copies": lambda data, _: data,
        "resized": resized,
        "cropped": cropped,
    }
    copies: dict[str, list[tuple[str, str]]] = {}
    for kind, make in makers.items():
        copies[kind] = []
        for number in range(N_COPIES):
            original = entries[next(drawn)]
            name = another(original.class_name) if number % 2 else str(original.class_name)
            data = make(original.read(), rng)
            changed.append(ImageEntry(name, f"{name}/{kind} {number}.jpg", lambda data=data: data))
            copies[kind].append((original.name, changed[-1].name))
    strange = set()
    for number in range(N_STRANGE if others else 0):
        name = str(rng.choice(classes))
        other = others[int(rng.integers(len(others)))]
        changed.append(ImageEntry(name, f"{name}/strange {number}.jpg", other.read))
        strange.add(changed[-1].name)
    return Planted(changed, wrong, copies, strange)


def resized(data: bytes, rng: np.random.Generator) -> bytes:
    image, factor = decode_image(data, ""), rng.uniform(0.3, 0.9)
    size = (max(8, round(image.width * factor)), max(8, round(image.height * factor)))
    return _jpeg(image.resize(size, Image.Resampling.LANCZOS), int(rng.integers(40, 96)))


def cropped(data: bytes, rng: np.random.Generator) -> bytes:
    image = decode_image(data, "")
    left, top, right, bottom = rng.uniform(0, 0.05, 4) * (*image.size, *image.size)
    box = (round(left), round(top), round(image.width - right), round(image.height - bottom))
    return _jpeg(image.crop(box), int(rng.integers(75, 96)))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
