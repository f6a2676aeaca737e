"""The pictures that a map shows, from wherever they come. No Streamlit."""

from __future__ import annotations

from dataclasses import replace

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.data.intake.listing import Listing
from fsl.embedding.labelled import MAX_IMAGES
from fsl.embedding.sample import spread_sample
from fsl.ui.shared.collection import Collection, collection
from fsl.ui.shared.compare_state import CompareState
from fsl.ui.shared.intake import Intake, take_listing

MOST_PICTURES = MAX_IMAGES


def of_comparison(state: CompareState) -> Collection:
    """Collect the reference pictures of the Compare page as a class, then those to compare."""
    return collection(
        "Your pictures on the Compare page", {"the one you know": state.references}, state.probes
    )


def of_listing(
    title: str, listing: Listing, most: int, credit: str = "", progress: Progress | None = None
) -> Collection:
    """Collect some pictures of a folder or a zip, with every class represented.

    Args:
        title: title of the collection.
        listing: the files in the folder or zip.
        most: number of pictures to take, at most ``MOST_PICTURES``.
        credit: credit for the pictures, "" for none.
        progress: called with (done, total).

    Raises:
        DataError: none of the files is a readable picture.
    """
    entries = listing.entries
    rows = spread_sample([entry.class_name for entry in entries], min(most, MOST_PICTURES))
    intake: Intake = take_listing(replace(listing, entries=tuple(entries[row] for row in rows)), progress)
    problems = tuple(intake.problems)
    if not intake.classes and not intake.queries:
        first = f" The first problem: {problems[0]}." if problems else ""
        raise DataError(f"{title}: there is no picture in it that can be read.{first}")
    left_out = len(entries) - len(rows)
    found = collection(title, intake.classes, intake.queries, credit, problems, left_out)
    return replace(found, notes=listing.notes)
