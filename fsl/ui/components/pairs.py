"""Pairs of pictures as columns, as in the article's Figure 1: left, right, label, output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

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
    """

    left: str
    right: str
    left_class: str
    right_class: str
    is_different: bool
    output: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the output is on the label's side of one half."""
        return self.output is not None and (self.output > 0.5) == self.is_different


def pair_columns(pairs: Sequence[Pair]) -> None:
    """Show pairs, as many in a row as fit."""
    names = "<span>left</span><span>right</span><b>label</b>"
    if any(pair.output is not None for pair in pairs):
        names += "<span>output</span>"
    columns = "".join(map(_column, pairs))
    st.html(
        f'<style>{_STYLE}</style><div class="pairs"><div class="pairs-names">{names}</div>'
        f"<ul>{columns}</ul></div>"
    )


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
