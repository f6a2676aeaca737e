"""The threshold: a slider along measured error rates, what it promises, and the figures behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import rate_text, similarity_text
from fsl.charts.evaluation import reliability_diagram
from fsl.charts.pairs import pair_histograms, roc_figure
from fsl.charts.style import STILL
from fsl.fewshot.error_rate_text import describe_error_rates
from fsl.ui.shared.compare_state import EQUAL, FALSE_ACCEPTS, CompareState, Strictness
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.pair_rates import PairRates

_NO_TABLE = (
    "No error rates were ever measured for this network, so its limit is a plain similarity and promises "
    "nothing. A network trained here with classes held out for validation has them."
)


def threshold_in_use(state: CompareState, checkpoint: Checkpoint) -> float:
    """The similarity from which on two pictures count as the same, in [0, 1]."""
    rates = checkpoint.info.pairs
    return _threshold(rates, state.strictness) if rates else state.threshold


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
    st.session_state["compare_strictness"] = state.strictness
    st.select_slider(
        "How strict?",
        stops(rates),
        key="compare_strictness",
        format_func=lambda strictness: _said(rates, strictness),
        label_visibility="collapsed",
        on_change=guarded_callback(_take_strictness),
        args=(state,),
    )
    threshold = threshold_in_use(state, checkpoint)
    st.caption(
        markdown(
            "Strict on the left, lenient on the right: different ones let in (false accepts) against same "
            f"ones turned away (false rejects). Here, similarity {similarity_text(threshold)} and above is "
            "“same”."
        )
    )
    st.markdown(markdown(describe_error_rates(rates, threshold, checkpoint.info.subject)))


def show_rates(state: CompareState, checkpoint: Checkpoint, similarity: float | None) -> None:
    """The figures, with the threshold and the chosen probe marked.

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
        low, high = (rate_text(rate) for rate in rates.equal_error_interval)
        st.markdown(
            f"**Where this limit stands.** Both errors are equal at "
            f"{rate_text(rates.equal_error_rate)} ({low} to {high}).",
            help="The equal error rate sums up how well a network tells same from different; the interval is "
            "95%, by drawing the classes measured again.",
        )
        left, right = st.columns(2, gap="medium")
        edges, same, different = rates.histogram()
        with left:
            figure = pair_histograms(edges.tolist(), same.tolist(), different.tolist(), threshold, similarity)
            st.plotly_chart(figure, key="compare_histograms", config=STILL)
        with right:
            _, false_accept, true_accept = rates.curve()
            here = rates.false_accept(threshold), 1 - rates.false_reject(threshold)
            figure = roc_figure(false_accept.tolist(), true_accept.tolist(), here)
            st.plotly_chart(figure, key="compare_roc", config=STILL)
        whether = "learned from as well" if rates.familiar else "never learned from"
        st.caption(
            markdown(
                f"Measured on {rates.fitted_on}, which the network {whether} "
                f"({rates.n_same:,} same and {rates.n_different:,} different pairs). Your own pictures may "
                "be harder, or easier."
            )
        )
        if rates.reliability:
            _show_reliability(rates)


def _show_reliability(rates: PairRates) -> None:
    """Whether the chances given beside a similarity came true."""
    confidence, observed, counts = rates.reliability_by_chance()
    with st.expander("Can the chances be believed?"):
        figure = reliability_diagram(
            confidence,
            observed,
            counts,
            said="chance given of being the same",
            so="share that was the same",
        )
        st.plotly_chart(figure, key="compare_reliability", config=STILL)
        st.caption(
            "Pairs in groups by the chance of being the same that their similarity was given. On the dotted "
            "line 80% of those given 80% were the same. Darker bars stand for more pairs. Each pair was "
            "judged by chances that were fitted on other classes."
        )


def stops(rates: PairRates) -> list[Strictness]:
    """Where the slider can stand, the strictest first; where both errors are equal lies in its place."""
    return sorted((*FALSE_ACCEPTS, EQUAL), key=lambda one: _threshold(rates, one), reverse=True)


def _threshold(rates: PairRates, strictness: Strictness) -> float:
    return rates.threshold if strictness == EQUAL else rates.threshold_at(strictness)


def _said(rates: PairRates, strictness: Strictness) -> str:
    if strictness == EQUAL:
        return f"both errors equal: {rate_text(rates.equal_error_rate)}"
    missed = rates.false_reject(rates.threshold_at(strictness))
    return f"{rate_text(strictness)} let in, {rate_text(missed)} turned away"


def _take_strictness(state: CompareState) -> None:
    state.strictness = st.session_state["compare_strictness"]


def _take_threshold(state: CompareState) -> None:
    state.threshold = float(st.session_state["compare_threshold"])
