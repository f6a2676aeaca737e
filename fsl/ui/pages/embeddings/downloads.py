"""Embeddings and map as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from fsl.charts.maps import map_html
from fsl.ui.components.scatter import TO_CLASSIFY
from fsl.ui.pages.embeddings.compute import Mapped, labelled_embeddings
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import sprite_of

_PROJECTOR_TILE = 64


@dataclass(frozen=True)
class _Format:
    label: str
    file_name: str
    mime: str
    help: str
    make: Callable[[Collection, Mapped], str | bytes]


def _csv(collection: Collection, view: Mapped) -> str:
    return core.embeddings_csv(labelled_embeddings(collection, view.embeddings), view.map.points)


def _npz(collection: Collection, view: Mapped) -> bytes:
    return core.embeddings_npz(labelled_embeddings(collection, view.embeddings), view.map.points)


def _figure(collection: Collection, view: Mapped) -> str:
    classes = [collection.class_of(row) or TO_CLASSIFY for row in range(len(collection.pictures))]
    names = [picture.name for picture in collection.pictures]
    title = f"{collection.title} · {view.checkpoint.info.name}"
    return map_html(view.map.points, classes, names, title)


def _projector(collection: Collection, view: Mapped) -> bytes:
    labelled = labelled_embeddings(collection, view.embeddings)
    return core.projector_zip(labelled, sprite_of(collection, _PROJECTOR_TILE))


_FORMATS = (
    _Format(
        "Table (CSV)",
        "embeddings.csv",
        "text/csv",
        "One row per picture: name, class, coordinates, embedding.",
        _csv,
    ),
    _Format("Arrays (NPZ)", "embeddings.npz", "application/zip", "The same as NumPy arrays.", _npz),
    _Format("Figure (HTML)", "map.html", "text/html", "A web page (5 MB) that works offline.", _figure),
    _Format(
        "TensorBoard projector",
        "projector.zip",
        "application/zip",
        "Vectors, names and pictures for the Embedding Projector.",
        _projector,
    ),
)


def show_downloads(collection: Collection, view: Mapped) -> None:
    """Show a download button for each format; the file is made when the button is pressed."""
    name = view.checkpoint.info.name
    for one in _FORMATS:
        st.download_button(
            one.label,
            data=partial(one.make, collection, view),
            file_name=f"{name}-{one.file_name}",
            mime=one.mime,
            key=f"map_download_{name}_{one.file_name}",
            help=one.help,
            on_click="ignore",
            width="stretch",
        )
    st.caption("To save the map as a PNG, use the button above it.")
