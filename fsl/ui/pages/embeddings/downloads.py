"""Embeddings and map as files."""

from __future__ import annotations

import streamlit as st

from fsl.charts.maps import map_html
from fsl.ui.components.scatter import TO_CLASSIFY
from fsl.ui.pages.embeddings.compute import Mapped, labelled_embeddings
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import sprite_of

_PROJECTOR_TILE = 64


def show_downloads(collection: Collection, view: Mapped) -> None:
    """Show a download button for each format; the file is made when the button is pressed."""
    name = view.checkpoint.info.name
    points = view.map.points

    def csv() -> str:
        return core.embeddings_csv(labelled_embeddings(collection, view.embeddings), points)

    def npz() -> bytes:
        return core.embeddings_npz(labelled_embeddings(collection, view.embeddings), points)

    def projector() -> bytes:
        return core.projector_zip(
            labelled_embeddings(collection, view.embeddings), sprite_of(collection, _PROJECTOR_TILE)
        )

    def page() -> str:
        classes = [collection.class_of(row) or TO_CLASSIFY for row in range(len(collection.pictures))]
        names = [picture.name for picture in collection.pictures]
        return map_html(points, classes, names, f"{collection.title} · {name}")

    formats = (
        (
            "Table (CSV)",
            csv,
            "embeddings.csv",
            "text/csv",
            "One row per picture: name, class, coordinates, embedding.",
        ),
        ("Arrays (NPZ)", npz, "embeddings.npz", "application/zip", "The same as NumPy arrays."),
        ("Figure (HTML)", page, "map.html", "text/html", "A web page (5 MB) that works offline."),
        (
            "TensorBoard projector",
            projector,
            "projector.zip",
            "application/zip",
            "Vectors, names and pictures for the Embedding Projector.",
        ),
    )
    for label, make, file_name, mime, about in formats:
        st.download_button(
            label,
            data=make,
            file_name=f"{name}-{file_name}",
            mime=mime,
            key=f"map_download_{name}_{file_name}",
            help=about,
            on_click="ignore",
            width="stretch",
        )
    st.caption("To save the map as a PNG, use the button above it.")
