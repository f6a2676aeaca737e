"""The article's Figure 1: a row of left pictures, a row of right pictures, and the labels between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.pictures import thumbnail_uri
from fsl.ui.training.form import MINE, SCRATCH, UPLOAD, Wish

if TYPE_CHECKING:
    from fsl.data.imageset import ImageSet

_PAIRS = 8


def show_batch(wish: Wish) -> None:
    """A few pairs as the network sees them."""
    with st.expander("See a batch"):
        if wish.data in (MINE, UPLOAD):
            st.caption("Shown for the data sets by name only.")
            return
        if not st.toggle(
            "Draw eight pairs", key="see_batch", help="Reads the pictures, which takes a moment."
        ):
            return
        import numpy as np
        from PIL import Image

        from fsl.twin.pairs import ClassIndex, random_pairs

        images = _load(wish.data, wish.model.image_size if wish.start == SCRATCH else 64)
        pairs = random_pairs(
            ClassIndex(images.labels, images.class_names), _PAIRS, np.random.default_rng(wish.config.seed)
        )
        for side, rows in (("left", pairs.left), ("right", pairs.right)):
            tiles = [
                Tile(
                    id=f"{side}{i}",
                    src=thumbnail_uri(Image.fromarray(images.images[row]).resize((96, 96))),
                    name=images.class_names[images.labels[row]],
                    title=("1 different" if pairs.difference[i] else "0 same") if side == "right" else "",
                )
                for i, row in enumerate(rows)
            ]
            picture_grid(tiles, key=f"batch_{side}", label=f"{side} pictures of the batch")
        labels = " ".join(str(int(d)) for d in pairs.difference)
        st.caption(f"Labels of this batch: [{labels}], 0 = same class, 1 = different class.")


@st.cache_data(max_entries=3, show_spinner="Reading pictures …")
def _load(data: str, size: int) -> ImageSet:
    from fsl.data.loading import load_images

    return load_images(data, size, "crop", report=lambda problems: None)
