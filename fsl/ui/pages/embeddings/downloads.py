"""Embeddings and map as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from fsl.charts.maps import map_html
from fsl.ui.components.scatter import TO_CLASSIFY
from fsl.ui.pages.embeddings.compute import Mapped, labelled_embeddings
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import sprite_of
from fsl.ui.shared.downloads import Download, download_buttons

_PROJECTOR_TILE = 64


def show_downloads(collection: Collection, view: Mapped) -> None:
    """Show a download button for each format."""
    name = view.checkpoint.info.name

    def file(
        label: str, file_name: str, make: Callable[[Collection, Mapped], str | bytes], about: str
    ) -> Download:
        key = f"map_download_{name}_{file_name}"
        return Download(label, partial(make, collection, view), f"{name}-{file_name}", key, about)

    columns = "One row per picture: name, class, coordinates, embedding."
    projector = "Vectors, names and pictures for the Embedding Projector."
    files = (
        file("Table (CSV)", "embeddings.csv", _csv, columns),
        file("Arrays (NPZ)", "embeddings.npz", _npz, "The same as NumPy arrays."),
        file("Figure (HTML)", "map.html", _figure, "A web page (5 MB) that works offline."),
        file("TensorBoard projector", "projector.zip", _projector, projector),
    )
    download_buttons(files, "stretch")
    st.caption("To save the map as a PNG, use the button above it.")


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
