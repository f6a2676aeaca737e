"""``check``: find what is wrong with a data set.

It finds copies (of the same content; or resized, re-compressed and slightly cropped ones), labels that are
likely wrong, pictures that resemble no other, blank and tiny ones, classes with few pictures, and files that
cannot be read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import fsl
from fsl.base.errors import DataError
from fsl.base.text import count, similarity_text
from fsl.cli.common import (
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    data_query,
    progress_bar,
    report_notes,
)
from fsl.cli.output import add_json_option, print_json
from fsl.data.catalogue import open_source
from fsl.data.intake.listing import Problem
from fsl.data.loading import chosen_entries, outside_classes
from fsl.fewshot.check import DataCheck, check_pictures
from fsl.fewshot.check_reading import LookedAt, look_and_embed
from fsl.fewshot.check_report import check_object
from fsl.index.nearest import nearest_rows_of_many

_MOST_LISTED = 30


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    add_checkpoint_option(parser, default="photos")
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Read and embed every picture once, and print what was found."""
    checkpoint = fsl.load(options.checkpoint, options.device)
    with progress_bar("finding images") as progress:
        listing = open_source(options.data).listing(options.part or "", progress)
    entries = chosen_entries(listing, data_query(options, checkpoint.info.model))
    report_notes(listing.notes)
    began = time.perf_counter()
    with progress_bar("checking") as progress:
        seen, unread = look_and_embed(checkpoint, entries, progress)
    problems = [*listing.problems, *outside_classes(listing), *unread]
    if not seen.names:
        raise DataError(f"None of the {len(entries):,} images can be read. The first: {problems[0]}.")
    found = check_pictures(
        checkpoint.twin, seen.embeddings, seen.labels, seen.looks, nearest=nearest_rows_of_many
    )
    seconds = time.perf_counter() - began
    if options.json:
        timed = {"seconds": round(seconds, 2), "checkpoint": checkpoint.info.name}
        about = check_object(found, seen.names, seen.labels, seen.class_names, problems)
        print_json({**about, **timed})
    else:
        _print(found, seen, problems, seconds)


def _print(found: DataCheck, seen: LookedAt, problems: Sequence[Problem], seconds: float) -> None:
    names = seen.names
    kinds = count(len(seen.class_names), "class", "classes")
    print(f"{count(len(names), 'image')} of {kinds} checked in {seconds:.1f} s")

    def joined(rows: Sequence[int]) -> str:
        across = "" if len({seen.labels[row] for row in rows}) == 1 else "  (in different classes)"
        return " = ".join(names[row] for row in rows) + across

    _section("Same content", [joined(group) for group in found.duplicates])
    _section("Nearly the same picture", [joined(pair) for pair in found.near_duplicates])
    _section(
        "Likely wrong labels, most likely first",
        [
            f"{names[one.row]}  looks like {seen.class_names[one.looks_like]} "
            f"(similarity {similarity_text(one.similarity)})"
            for one in found.suspects
        ],
    )
    _section("Resemble no other picture", [names[row] for row in found.outliers])
    _section("Blank", [names[row] for row in found.blank])
    _section("Tiny", [names[row] for row in found.tiny])
    thin = [(seen.class_names[label], n, seen.labels.count(label)) for label, n in found.thin.items()]
    _section("Classes with few pictures", [f"{name} ({_different(n, of)})" for name, n, of in thin])
    _section("Left out", [str(problem) for problem in problems])
    if not (found.n_found or problems):
        print("Nothing suspicious was found.")


def _different(n: int, of: int) -> str:
    return f"{n}" if n == of else f"{count(n, 'different picture')} of {of:,}"


def _section(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    print(f"\n{title}: {len(lines):,}")
    for line in lines[:_MOST_LISTED]:
        print(f"  {line}")
    if len(lines) > _MOST_LISTED:
        print(f"  and {len(lines) - _MOST_LISTED:,} more; --json lists them all")
