"""The threshold: a slider along measured error rates, what it promises, the ROC curve and the histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.charts import pair_histograms, roc_figure
from fsl.fewshot.promise import percentage, promise
from fsl.ui.compare.state import CompareState
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded_callback

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.pair_rates import PairRates

_WISHES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
DEFAULT_WISH = 0.01
_NO_TABLE = (
    "No error rates were ever measured for this network, so its threshold is a plain similarity and promises "
    "nothing. A network trained here with classes held out for validation has them."
)


def threshold_in_use(state: CompareState, checkpoint: Checkpoint) -> float:
    """The similarity from which on two pictures count as the same, in [0, 1]."""
    rates = checkpoint.info.pairs
    return rates.threshold_at(_wish(state)) if rates else state.threshold


def show_threshold(state: CompareState, checkpoint: Checkpoint) -> None:
    """The slider and its sentence."""
    rates = checkpoint.info.pairs
    if rates is None:
        st.session_state["compare_threshold"] = state.threshold
        st.slider(
            "The same from this similarity on",
            0.0,
            1.0,
            step=0.01,
            key="compare_threshold",
            on_change=guarded_callback(_take_threshold),
            args=(state,),
        )
        st.caption(_NO_TABLE)
        return
    st.session_state["compare_wish"] = _wish(state)
    st.select_slider(
        "How strict?",
        _WISHES,
        key="compare_wish",
        format_func=lambda wish: _said(rates, wish),
        label_visibility="collapsed",
        on_change=guarded_callback(_take_wish),
        args=(state,),
    )
    threshold = threshold_in_use(state, checkpoint)
    st.caption(
        markdown(
            "Strict on the left, lenient on the right: different ones let in (false accepts) against same "
            f"ones turned away (false rejects). Here, similarity {threshold:.2f} and above is “same”."
        )
    )
    st.markdown(markdown(promise(rates, threshold)))


def show_rates(state: CompareState, checkpoint: Checkpoint, similarity: float | None) -> None:
    """Both figures, with the threshold and the chosen probe marked.

    Args:
        state: the page's.
        checkpoint: the network.
        similarity: of the chosen probe; none where there is none yet.
    """
    rates = checkpoint.info.pairs
    if rates is None:
        return
    threshold = threshold_in_use(state, checkpoint)
    with st.container(border=True, key="compare_rates"):
        low, high = (percentage(rate) for rate in rates.equal_error_interval)
        st.markdown(
            f"**Where this threshold stands.** Both errors are equal at "
            f"{percentage(rates.equal_error_rate)} ({low} to {high}).",
            help="The equal error rate sums up how well a network tells same from different; the interval is "
            "95%, by drawing the classes measured again.",
        )
        left, right = st.columns(2, gap="medium")
        edges, same, different = rates.histogram()
        with left:
            figure = pair_histograms(edges.tolist(), same.tolist(), different.tolist(), threshold, similarity)
            st.plotly_chart(figure, key="compare_histograms", config={"displayModeBar": False})
        with right:
            _, false_accept, true_accept = rates.curve()
            here = rates.false_accept(threshold), 1 - rates.false_reject(threshold)
            figure = roc_figure(false_accept.tolist(), true_accept.tolist(), here)
            st.plotly_chart(figure, key="compare_roc", config={"displayModeBar": False})
        st.caption(
            markdown(
                f"Measured on {rates.fitted_on}, which the network never learned from "
                f"({rates.n_same:,} same and {rates.n_different:,} different pairs). Your own pictures may "
                "be harder, or easier."
            )
        )


def _wish(state: CompareState) -> float:
    return DEFAULT_WISH if state.false_accept is None else state.false_accept


def _said(rates: PairRates, wish: float) -> str:
    missed = rates.false_reject(rates.threshold_at(wish))
    return f"{percentage(wish)} let in, {percentage(missed)} turned away"


def _take_wish(state: CompareState) -> None:
    state.false_accept = float(st.session_state["compare_wish"])


def _take_threshold(state: CompareState) -> None:
    state.threshold = float(st.session_state["compare_threshold"])
