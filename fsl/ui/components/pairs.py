"""Pairs of pictures as columns, as in the article's Figure 1: left, right, label, output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

_AT_ONCE = 4  # in a block; two blocks make a row where there is room
_STYLE = Path(__file__).with_name("pairs.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Pair:
    """One pair; all text is shown as plain text.

    Attributes:
        left: left picture, a ``data:`` URI.
        right: right picture, a ``data:`` URI.
        left_class: class of the left picture.
        right_class: class of the right picture.
        is_different: the label: whether the classes differ.
        output: a network's probability of "different", in [0, 1]; None without a network.
        limit: the output above which the network says "different".
    """

    left: str
    right: str
    left_class: str
    right_class: str
    is_different: bool
    output: float | None = None
    limit: float = 0.5

    @property
    def agrees(self) -> bool:
        """Whether the output is on the label's side of the network's limit."""
        return self.output is not None and (self.output > self.limit) == self.is_different


def pair_columns(pairs: Sequence[Pair]) -> None:
    """Show pairs side by side, eight in a row; on a phone four. Each row has its labels at the left."""
    names = "<span>left</span><span>right</span><b>label</b>"
    if any(pair.output is not None for pair in pairs):
        names += "<span>output</span>"
    blocks = "".join(
        f'<div class="pairs-block"><div class="pairs-names">{names}</div>'
        f"<ul>{''.join(map(_column, pairs[first : first + _AT_ONCE]))}</ul></div>"
        for first in range(0, len(pairs), _AT_ONCE)
    )
    st.html(f'<style>{_STYLE}</style><div class="pairs">{blocks}</div>')


def _column(pair: Pair) -> str:
    label = f"{int(pair.is_different)} {'different' if pair.is_different else 'same'}"
    return (
        f"<li>{_picture(pair.left, pair.left_class)}{_picture(pair.right, pair.right_class)}"
        f"<b>{label}</b>{_output(pair)}</li>"
    )


def _picture(uri: str, name: str) -> str:
    return f'<img src="{escape(uri)}" alt="{escape(name)}" title="{escape(name)}">'


def _output(pair: Pair) -> str:
    if pair.output is None:
        return ""
    tone, mark, word = ("right", "✓", "agrees") if pair.agrees else ("wrong", "✗", "disagrees")
    return f'<span class="{tone}" title="{word}">{pair.output:.2f} {mark}</span>'
