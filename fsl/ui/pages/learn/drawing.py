"""HTML drawings for the Learn page; all text from outside is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor

from fsl.base.text import similarity_text
from fsl.charts.style import ACCENT, AGAINST
from fsl.ui.shared.pictures import StoredPicture, data_uri

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.fewshot.trace import PairTrace

_ROWS = 8
_CELL = 5  # pixels for one number, before the browser scales the strip
_MOST_ALPHA = 255
_POSITIVE, _NEGATIVE = ImageColor.getrgb(AGAINST), ImageColor.getrgb(ACCENT)
_PLUS, _MINUS = '<i class="plus"></i>', '<i class="minus"></i>'
# Layers that grow narrower, made of spans: Streamlit removes SVG from HTML.
_NETWORK = (
    '<span class="twin-layers" role="img" aria-label="The backbone, a convolutional network">'
    "<i></i><i></i><i></i><i></i></span>"
)


def twin_drawing(left: StoredPicture, right: StoredPicture, trace: PairTrace) -> str:
    """Draw the twin network with a pair of pictures passing through it.

    Args:
        left: the first picture.
        right: the second picture.
        trace: embeddings, weighted differences and logit of the pair.
    """
    rows = "".join(
        f'<div class="twin-row">{_image(picture, "twin-picture")}{_ARROW}'
        f'<div class="twin-net">{_NETWORK}<span>same weights</span></div>{_ARROW}'
        f"<figure>{_strip(embedding, 'Embedding of the ' + side + ' picture')}"
        f"<figcaption>embedding: {len(embedding):,} numbers, {_PLUS} above zero, {_MINUS} below</figcaption>"
        "</figure></div>"
        for side, picture, embedding in (("left", left, trace.first), ("right", right, trace.second))
    )
    different = similarity_text(1 - trace.similarity)
    sums = (
        '<div class="twin-head"><strong>Head</strong>'
        f"<figure>{_strip(trace.terms, 'Weighted differences of the embeddings')}"
        f"<figcaption>weighted differences of the two lists: {_PLUS} more different, {_MINUS} more similar"
        "</figcaption></figure>"
        f'<div class="twin-sum">sum {float(trace.terms.sum()):+.2f} plus bias {trace.bias:+.2f} '
        f"gives <b>{trace.logit:+.2f}</b></div>"
        f'<div class="twin-sum">probability of being different: <b>{different}</b></div>'
        f'<div class="twin-answer">similarity <b>{similarity_text(trace.similarity)}</b></div></div>'
    )
    return f'<div class="twin"><div class="twin-rows">{rows}</div>{_ARROW}{sums}</div>'


@dataclass(frozen=True)
class Pull:
    """What a loss does to one kind of pair.

    Attributes:
        title: name of the kind of pair.
        loss: loss of the pair.
        slope: derivative of the loss; a positive slope pulls the pair together.
    """

    title: str
    loss: float
    slope: float


def pull_drawing(pulls: Sequence[Pull]) -> str:
    """Draw an arrow for each kind of pair: which way training moves it, and how strongly."""
    return "".join(_pull(pull) for pull in pulls)


def _pull(pull: Pull) -> str:
    strength = min(1.0, abs(pull.slope))
    if strength < 0.005:
        words, arrow = "leaves them as they are", ""
    else:
        words = "pulls them together" if pull.slope > 0 else "pushes them apart"
        arrow = "→ ←" if pull.slope > 0 else "← →"
    return (
        f'<div class="pull"><b>{html.escape(pull.title)}</b>'
        f"<span>loss {pull.loss:.2f}, slope {pull.slope:+.2f}: {words} "
        f'<span class="pull-arrow" aria-hidden="true">{arrow}</span></span>'
        f'<span class="pull-bar"><i style="width:{strength:.0%}"></i></span></div>'
    )


_ARROW = '<span class="twin-arrow" aria-hidden="true">→</span>'


def _image(picture: StoredPicture, class_name: str) -> str:
    name = html.escape(picture.name, quote=True)
    return f'<img class="{class_name}" src="{picture.thumbnail}" alt="{name}" title="{name}">'


def _strip(numbers: Tensor, words: str) -> str:
    """Draw numbers as a strip: orange above zero, green below, stronger colour for larger values."""
    values = numbers.numpy()
    columns = -(-len(values) // _ROWS)
    flat = np.zeros(_ROWS * columns, np.float32)
    flat[: len(values)] = values / max(float(np.abs(values).max()), 1e-9)
    grid = flat.reshape(columns, _ROWS).T  # numbers run down the columns
    pixels = np.zeros((_ROWS, columns, 4), np.uint8)
    pixels[..., :3] = np.where(grid[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.rint(np.sqrt(np.abs(grid)) * _MOST_ALPHA)
    size = columns * _CELL, _ROWS * _CELL
    uri = data_uri(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST), "PNG")
    return f'<img class="twin-strip" src="{uri}" alt="{words}" title="{words}">'
