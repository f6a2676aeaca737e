"""Where the pictures of the map come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.progress import Progress
from fsl.data.catalogue import Source
from fsl.data.examples import ExampleTask, digits_task, rendered_task
from fsl.data.named import named_sources
from fsl.ui.pages.embeddings.collection import (
    MOST_PICTURES,
    of_comparison,
    of_files,
    of_listing,
)
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared.budget import refuse_beyond_budget, unread
from fsl.ui.shared.collection import Collection, of_workspace
from fsl.ui.shared.compare_state import compare_state
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.folder_drop import Drop, folder_or_zip, show_dropped
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.page_links import CLASSIFY_ON_MAP, COMPARE_ON_MAP
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.state import session
from fsl.ui.shared.waiting import reading_bar

UPLOAD = "upload"
_DRAWN_CLASSES = 8
_DIGITS = 10


@dataclass(frozen=True)
class MapSource:
    """Pictures that can be shown.

    Attributes:
        key: of it, in the state.
        title: in the list.
        about: a sentence.
        usual: how many pictures are taken at first; 0 where that is not asked.
        most: pictures it can give.
        build: makes its collection; called with how many pictures, and a progress function.
    """

    key: str
    title: str
    about: str
    usual: int
    most: int
    build: Callable[[int, Progress], Collection]


def sources(state: MapState) -> list[MapSource]:
    """What can be shown now."""
    workspace = session().workspace
    found = []
    if not workspace.is_empty:
        about = "Your examples and the pictures to classify."
        found.append(
            MapSource(
                CLASSIFY_ON_MAP,
                "My pictures on the Classify page",
                about,
                0,
                0,
                lambda n, p: of_workspace(workspace),
            )
        )
    if state.upload is not None:
        upload = state.upload
        found.append(MapSource(UPLOAD, f"My folder: {upload.title}", "", 0, 0, lambda n, p: upload))
    compared = compare_state()
    if compared.references and compared.probes:
        about = "The one you know, and what is compared with it."
        title = "My pictures on the Compare page"
        found.append(MapSource(COMPARE_ON_MAP, title, about, 0, 0, lambda n, p: of_comparison(compared)))
    drawn = "Eight kinds of fruit, drawn by this program."
    digits = "Real handwriting, 8 by 8 pixels, from scikit-learn."
    found.append(MapSource("drawn", "Drawn fruit", drawn, 96, 400, _drawn))
    found.append(MapSource("digits", "Handwritten digits", digits, 300, 1700, _digits))
    for name, known in named_sources().items():
        build = partial(_named, known)
        about = known.about
        found.append(
            MapSource(
                f"set_{name}", known.title, f"{about[:1].upper()}{about[1:]}.", 300, MOST_PICTURES, build
            )
        )
    return found


def show_source(state: MapState) -> MapSource | None:
    """The choice of a source.

    Returns:
        the chosen one, or none yet.
    """
    known = {source.key: source for source in sources(state)}
    if not state.source and CLASSIFY_ON_MAP in known:
        state.source = CLASSIFY_ON_MAP
    chosen = known.get(state.source)
    st.session_state["map_source_choice"] = chosen.key if chosen else None
    st.selectbox(
        "Pictures",
        list(known),
        key="map_source_choice",
        format_func=lambda key: known[key].title.partition(":")[0] if key in known else "",
        placeholder="Choose what to look at",
        on_change=guarded_callback(_take_source),
        args=(state,),
    )
    if chosen is not None and chosen.usual:
        _show_number(state, chosen)
    with st.popover("Folder or zip", icon=":material/folder_open:"):
        _show_drops(state)
    return chosen


def collection_of(state: MapState, source: MapSource) -> Collection:
    """The pictures of a source, from memory when they were read before."""
    if not source.usual:
        return source.build(0, _no_progress)
    n = number_of(state, source)
    place = st.empty()
    with place, st.spinner(f"Preparing: {source.title}"):
        collection = state.read.remember((source.key, n), lambda: source.build(n, reading_bar(place)))
    place.empty()
    return collection


def choose(state: MapState, key: str) -> None:
    """Show that source from now on."""
    state.source = key
    state.moving = False
    state.fault = ""


def show_welcome(state: MapState) -> None:
    """What to do on a page without pictures."""
    with st.container(border=True, key="map_welcome"):
        st.markdown("**Choose pictures to see how a network arranges them.** For instance:")
        offered = [s for s in sources(state) if s.usual][:4]
        for column, source in zip(st.columns(len(offered)), offered, strict=True):
            with column:
                st.button(
                    markdown(source.title.partition(":")[0]),
                    key=f"map_start_{source.key}",
                    type="primary",
                    width="stretch",
                    on_click=guarded_callback(choose),
                    args=(state, source.key),
                )
                st.caption(markdown(source.about))
        st.caption(
            "Or drop a folder or a zip of your own above. Pictures on the Classify page appear here too."
        )


def _take_source(state: MapState) -> None:
    choose(state, st.session_state["map_source_choice"] or "")


def _show_number(state: MapState, source: MapSource) -> None:
    st.session_state["map_number"] = number_of(state, source)
    st.number_input(
        "How many",
        min_value=10,
        max_value=source.most,
        step=50,
        key="map_number",
        width=130,
        help="Every class has its share. More take longer: the network looks at each picture once.",
        on_change=guarded_callback(_take_number),
        args=(state, source.key),
    )


def number_of(state: MapState, source: MapSource) -> int:
    """How many pictures are taken from that source."""
    return state.numbers.get(source.key, source.usual)


def _take_number(state: MapState, key: str) -> None:
    state.numbers[key] = int(st.session_state["map_number"])


def _no_progress(done: int, total: int) -> None:
    """For what is there already."""


def _drawn(n: int, progress: Progress) -> Collection:
    return _some_of("Drawn fruit", rendered_task(_DRAWN_CLASSES, -(-n // _DRAWN_CLASSES), 1, seed=1), n)


def _digits(n: int, progress: Progress) -> Collection:
    return _some_of("Handwritten digits", digits_task(_DIGITS, -(-n // _DIGITS), 1, seed=1), n)


def _some_of(title: str, task: ExampleTask, n: int) -> Collection:
    """n pictures of a task that has about as many, of every class its share, give or take one."""
    each, more = divmod(n, len(task.classes))
    return of_files(
        title, {name: files[: each + (i < more)] for i, (name, files) in enumerate(task.classes.items())}
    )


def _named(known: Source, n: int, progress: Progress) -> Collection:
    return of_listing(known.title, known.listing(), n, known.credit, progress)


def _show_drops(state: MapState) -> None:
    about = f"Up to {MOST_PICTURES:,} pictures are taken, from every class its share."
    drop = folder_or_zip("map", state.drops, about)
    if drop is not None:
        state.drops += 1
        state.reading = drop
    if state.reading is not None:
        _read(state, state.reading)
    if state.upload is not None:
        show_dropped("map", state.upload.title, partial(_forget_upload, state))


def _forget_upload(state: MapState) -> None:
    state.upload = None
    if state.source == UPLOAD:
        choose(state, "")


def _read(state: MapState, drop: Drop) -> None:
    """Read it; a click meanwhile breaks this off, and the next run of the page begins it anew."""
    try:
        listing = drop.listing()
        refuse_beyond_budget(state, [unread(min(MOST_PICTURES, len(listing.entries)))])
        bar = st.progress(0.0, "Reading pictures")
        upload = of_listing(drop.title, listing, MOST_PICTURES, progress=reading_bar(bar))
        refuse_beyond_budget(state, [picture.holding for picture in upload.pictures])
        state.upload = upload
        choose(state, UPLOAD)
    except FslError as error:
        state.fault = str(error)
    except Exception:
        state.reading = None  # or every run of the page would end in the same way
        raise
    state.reading = None
    st.rerun()


def show_origin(collection: Collection) -> None:
    """Credit, what was left out, and files that could not be used."""
    notes = [f"Photos: {collection.credit}."] if collection.credit else []
    if collection.left_out:
        total = len(collection.pictures) + collection.left_out
        notes.append(
            f"{len(collection.pictures):,} of {total:,} pictures are shown, from every class its share."
        )
    if notes:
        st.caption(markdown(" ".join(notes)))
    show_problems(collection.problems)
