"""Pairs of pictures as columns: left above right, the label under them, and what a network says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).with_name("pairs.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Pair:
    """One pair. All text is shown letter for letter.

    Attributes:
        left: a ``data:`` URI.
        right: a ``data:`` URI.
        left_class: name of its class.
        right_class: name of its class.
        different: the label: whether the two are of different classes.
        similarity: what a network says, in [0, 1]; none without one.
    """

    left: str
    right: str
    left_class: str
    right_class: str
    different: bool
    similarity: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the similarity lies on the label's side of one half."""
        return self.similarity is not None and (self.similarity < 0.5) == self.different


def pair_columns(pairs: Sequence[Pair]) -> None:
    """Show pairs as the article's Figure 1 does; eight fit a row."""
    rows = [
        _row("Left pictures", [_picture(pair.left, pair.left_class) for pair in pairs]),
        _row("Right pictures", [_picture(pair.right, pair.right_class) for pair in pairs]),
        _row("Labels: 0 = same class, 1 = different class", [_label(pair) for pair in pairs]),
    ]
    if any(pair.similarity is not None for pair in pairs):
        title = "The network's answers: similarity, from 0 (different) to 1 (same)"
        rows.append(_row(title, [_answer(pair) for pair in pairs]))
    st.html(f'<style>{_STYLE}</style><div class="pairs">{"".join(rows)}</div>')


def _row(title: str, cells: Sequence[str]) -> str:
    return f'<div class="row">{escape(title)}</div>{"".join(cells)}'


def _picture(uri: str, name: str) -> str:
    return f'<img src="{escape(uri)}" alt="{escape(name)}" title="{escape(name)}">'


def _label(pair: Pair) -> str:
    word = "different" if pair.different else "same"
    return f'<div class="cell">{int(pair.different)}<small>{word}</small></div>'


def _answer(pair: Pair) -> str:
    if pair.similarity is None:
        return '<div class="cell">?</div>'
    tone, mark, word = ("right", "✓", "agrees") if pair.agrees else ("wrong", "✗", "disagrees")
    return f'<div class="cell {tone}" title="{word}">{pair.similarity:.2f} {mark}<small>{word}</small></div>'
