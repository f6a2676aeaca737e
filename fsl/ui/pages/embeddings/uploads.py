"""Folders and zips that are uploaded to the Embeddings page."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.errors import FslError
from fsl.data.intake.listing import Listing
from fsl.ui.pages.embeddings.collection import MOST_PICTURES, of_listing
from fsl.ui.pages.embeddings.state import UPLOAD, MapState, PendingUpload, choose
from fsl.ui.shared.budget import refuse_beyond_budget, unread
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.folder_drop import Drop, folder_or_zip, show_dropped
from fsl.ui.shared.work import ReportProgress, Work, percent_done, show_progress


def show_drops(state: MapState) -> None:
    """Show the drop zones, and start to read what is dropped."""
    about = f"Up to {MOST_PICTURES:,} pictures are used; every class is represented."
    folder_or_zip("map", state.drops, partial(_start_reading, state), about)
    if state.upload is not None:
        show_dropped("map", state.upload.title, partial(_forget_upload, state))


def _forget_upload(state: MapState) -> None:
    state.upload = None
    if state.source == UPLOAD:
        choose(state, "")


def _start_reading(state: MapState, drop: Drop) -> None:
    try:
        listing = drop.listing()
        refuse_beyond_budget(state, [unread(min(MOST_PICTURES, len(listing.entries)))])
    except FslError as error:
        state.fault = str(error)
        state.drops += 1
        st.rerun()
    if state.pending is not None:
        state.pending.work.cancel()
    state.pending = PendingUpload(drop, Work(partial(_read, drop.title, listing)))
    state.drops += 1


def _read(title: str, listing: Listing, report: ReportProgress) -> Collection:
    return of_listing(title, listing, MOST_PICTURES, progress=percent_done(report, "Reading pictures"))


def take_upload(state: MapState) -> None:
    """Show the pictures of an upload once they are read, and how far the reading is until then."""
    pending = state.pending
    if pending is not None and pending.work.is_cancelled:  # while nobody looked at the tab
        _start_reading(state, pending.drop)
        pending = state.pending
    if pending is None:
        return
    if not pending.work.wait_at_first():
        show_progress(pending.work)
        return
    try:
        upload = pending.work.result()
        refuse_beyond_budget(state, [picture.holding for picture in upload.pictures])
        state.upload = upload
        choose(state, UPLOAD)
    except FslError as error:
        state.fault = str(error)
    state.pending = None  # last: a click may interrupt this run, and the next one does it again
    st.rerun()
