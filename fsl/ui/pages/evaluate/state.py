"""What the Evaluate page remembers of a browser session, under one key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.ui.pages.evaluate.sources import Upload
from fsl.ui.shared.budget import Holding
from fsl.ui.shared.memo import Memo

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.ui.pages.evaluate.job import Job, Pictures

_KEY = "few_shot_lab_evaluate"
_REMEMBERED = 12
_REMEMBERED_BYTES = 256 * 2**20


@dataclass
class EvaluateState:
    """The page's settings and its last evaluation.

    Attributes:
        values: settings by the name of their widget; widgets forget theirs when the page changes.
        upload: what was dropped last.
        drops: how often the drop zones were emptied; part of their keys.
        fault: what was wrong with the last drop, "" for nothing.
        job: the evaluation that runs or ran last.
        memo: pictures and their embeddings, by what they were made of.
    """

    values: dict[str, Any] = field(default_factory=dict)
    upload: Upload | None = None
    drops: int = 0
    fault: str = ""
    job: Job | None = None
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED, _REMEMBERED_BYTES, _size))

    def holdings(self) -> Iterator[Holding]:
        """What a person's own pictures take of the session's memory."""
        if self.upload is not None:
            yield self.upload.holding


def _size(result: tuple[Pictures, Tensor]) -> int:
    """Bytes of the thumbnails and embeddings that are remembered."""
    pictures, embeddings = result
    return sum(map(len, pictures.thumbnails)) + embeddings.nbytes


def evaluate_state() -> EvaluateState:
    """This browser session's."""
    state: EvaluateState = st.session_state.setdefault(_KEY, EvaluateState())
    return state


def kept(state: EvaluateState, name: str, usual: Any) -> str:
    """Give the widget ``ev_<name>`` its value; its key, to be passed on together with :func:`take`.

    Args:
        state: where values are kept.
        name: of the setting.
        usual: its value before anybody chose one.
    """
    st.session_state[f"ev_{name}"] = state.values.setdefault(name, usual)
    return f"ev_{name}"


def take(state: EvaluateState, name: str) -> None:
    """A widget's callback: keep its value."""
    state.values[name] = st.session_state[f"ev_{name}"]
