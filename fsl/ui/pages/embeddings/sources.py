"""The choice of the pictures on the map."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from fsl.data.catalogue import ArraySource, Source, catalogue
from fsl.ui.pages.embeddings.collection import MOST_PICTURES, of_comparison, of_listing
from fsl.ui.pages.embeddings.state import UPLOAD, MapState, choose
from fsl.ui.pages.embeddings.uploads import show_drops
from fsl.ui.shared.collection import Collection, of_workspace
from fsl.ui.shared.compare_state import compare_state
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.menu import menu
from fsl.ui.shared.page_links import CLASSIFY_ON_MAP, COMPARE_ON_MAP
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.sources import label_of
from fsl.ui.shared.state import session
from fsl.ui.shared.work import ReportProgress, percent_done

_USUAL_NUMBER = 300
# 96 drawn pictures, four of each kind, can be told apart on the map.
_USUAL_NUMBERS = {"rendered": 96}


def own_collections(state: MapState) -> dict[str, Collection]:
    """Return a person's own pictures on the pages, by the key of their source."""
    workspace, compared = session().workspace, compare_state()
    found = {}
    if not workspace.is_empty:
        found[CLASSIFY_ON_MAP] = of_workspace(workspace)
    if state.upload is not None:
        found[UPLOAD] = state.upload
    if compared.references and compared.probes:
        found[COMPARE_ON_MAP] = of_comparison(compared)
    return found


def source_keys(state: MapState) -> set[str]:
    """Return the keys of all sources whose pictures are here."""
    return {*own_collections(state), *(key for key, source in catalogue().items() if source.is_here)}


def show_source(state: MapState) -> Source | Collection | None:
    """Show the choice of the pictures.

    Returns:
        A source of the catalogue, or the visitor's own pictures; None before anything is chosen.
    """
    mine, known = own_collections(state), catalogue()
    if not state.source and CLASSIFY_ON_MAP in mine:
        state.source = CLASSIFY_ON_MAP
    titles = {key: one.title for key, one in mine.items()}
    titles |= {key: label_of(source) for key, source in known.items()}
    st.session_state["map_source_choice"] = state.source if state.source in titles else None
    st.selectbox(
        "Pictures",
        list(titles),
        key="map_source_choice",
        format_func=lambda key: titles.get(key, ""),
        placeholder="Choose pictures",
        on_change=guarded_callback(_take_source),
        args=(state,),
    )
    source = known.get(state.source)
    if source is not None:
        st.number_input(**_number(source).widget(), width=130)
    key = f"map_upload_{state.drops}"  # a menu with a new key is closed: the drop is done
    menu("Folder or zip", partial(show_drops, state), key=key, icon=":material/folder_open:")
    return mine.get(state.source) if source is None else source


def read_source(state: MapState, source: Source) -> Collection | None:
    """Return the chosen number of pictures of a source, or show how far the reading is."""
    n = _number(source).value
    return state.read.result((source.key, source.version(), n), partial(_read, source, n))


def _read(source: Source, n: int, report: ReportProgress) -> Collection:
    progress = percent_done(report, f"Reading pictures of {source.title}")
    # Only pictures that are made, not read, take time before any is looked at.
    each = -(-n // len(source.class_names())) if isinstance(source, ArraySource) else 0
    listing = source.listing(progress=progress, per_class=each)
    found = of_listing(source.title, listing, n, source.credit, progress)
    return replace(found, left_out=max(0, source.n_images - n, len(listing.entries) - n))


def show_welcome(state: MapState) -> None:
    """Show what to do on a page without pictures."""
    with st.container(border=True, key="map_welcome"):
        st.markdown("**Choose pictures to see how a network arranges them.** For instance:")
        offered = [source for source in catalogue().values() if source.is_here][:4]
        for column, source in zip(st.columns(len(offered)), offered, strict=True):
            with column:
                guarded_button(
                    markdown(source.title),
                    f"map_start_{source.key}",
                    partial(choose, state, source.key),
                    type="primary",
                    width="stretch",
                )
                st.caption(markdown(f"{source.about[:1].upper()}{source.about[1:]}."))
        st.caption(
            "You can also upload a folder or zip of your own above. Pictures on the Classify page appear "
            "here, too."
        )


def _take_source(state: MapState) -> None:
    choose(state, st.session_state["map_source_choice"] or "")


def _number(source: Source) -> Setting[int]:
    """Return the setting that says how many pictures of a source are shown."""
    most = min(source.n_images or MOST_PICTURES, MOST_PICTURES)
    return Setting(
        f"map_number_{source.key}",
        "How many",
        _USUAL_NUMBERS.get(source.key, _USUAL_NUMBER),
        "Every class is represented. More pictures take longer, because the network embeds each one.",
        (10, most, 50),
    )


def show_origin(collection: Collection) -> None:
    """Show the credit, how many pictures were left out, and files that could not be used."""
    notes = [f"Photos: {collection.credit}."] if collection.credit else []
    if collection.left_out:
        total = len(collection.pictures) + collection.left_out
        notes.append(
            f"{len(collection.pictures):,} of {total:,} pictures are shown; every class is represented."
        )
    notes += collection.notes
    if notes:
        st.caption(markdown(" ".join(notes)))
    show_problems(collection.problems)
