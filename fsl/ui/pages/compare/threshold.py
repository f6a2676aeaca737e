"""The limit of the Compare page: a slider, its error rates, and the figures behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import limit_text, rate_text
from fsl.charts.evaluation import reliability_diagram
from fsl.charts.pairs import pair_histograms, roc_figure
from fsl.charts.style import STILL
from fsl.fewshot.error_rate_text import describe_error_rates, measured_on
from fsl.ui.shared.compare_state import EQUAL, FALSE_ACCEPTS, STRICTNESS, THRESHOLD, Strictness
from fsl.ui.shared.escape import markdown

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.pair_rates import PairRates

_NO_TABLE = (
    "No error rates were measured for this network, so its limit is a plain similarity and promises nothing. "
    "A network trained here with classes held out has them."
)


def threshold_in_use(checkpoint: Checkpoint) -> float:
    """Return the similarity, in [0, 1], at or above which two pictures count as the same."""
    rates = checkpoint.info.pairs
    return _threshold(rates, STRICTNESS.value) if rates else THRESHOLD.value


def show_threshold(checkpoint: Checkpoint) -> None:
    """Show the limit as a slider, and what it promises."""
    rates = checkpoint.info.pairs
    if rates is None:
        st.slider(**THRESHOLD.widget())
        st.caption(_NO_TABLE)
        return
    titles = {strictness: _title(rates, strictness) for strictness in stops(rates)}
    st.select_slider(**replace(STRICTNESS, options=titles).widget(), label_visibility="collapsed")
    threshold = threshold_in_use(checkpoint)
    st.caption(
        markdown(
            "Strict lets fewer different ones in (false accepts), lenient turns fewer same ones away (false "
            f"rejects). Similarity {limit_text(threshold)} and above counts as “same”."
        )
    )
    st.markdown(markdown(describe_error_rates(rates, threshold, checkpoint.info.subject)))


def show_rates(checkpoint: Checkpoint, similarity: float | None) -> None:
    """Show the measured error rates, with the limit and the chosen picture marked.

    Args:
        checkpoint: the network.
        similarity: similarity of the chosen picture; None before there is one.
    """
    rates = checkpoint.info.pairs
    if rates is None:
        return
    threshold = threshold_in_use(checkpoint)
    with st.container(border=True, key="compare_rates"):
        low, high = (rate_text(rate) for rate in rates.equal_error_interval)
        st.markdown(
            f"**Where this limit stands.** Both errors are equal at "
            f"{rate_text(rates.equal_error_rate)} ({low} to {high}).",
            help="The equal error rate sums up how well a network tells same from different. In "
            "brackets: the 95% interval, from resampling the measured classes.",
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
        whether = "also learned from" if rates.familiar else "had not learned from by then"
        st.caption(
            markdown(
                f"Measured on {measured_on(rates)}, which the network {whether} "
                f"({rates.n_same:,} same and {rates.n_different:,} different pairs). Your own pictures may "
                "be harder, or easier."
            )
        )
        if rates.reliability:
            panel = st.expander("Do the chances come true?", key="compare_chances", on_change="rerun")
            if panel.open:
                with panel:
                    _show_reliability(rates)


def _show_reliability(rates: PairRates) -> None:
    """Show whether the stated chances came true."""
    confidence, observed, counts = rates.reliability_by_chance()
    figure = reliability_diagram(
        confidence,
        observed,
        counts,
        said="stated chance of being the same",
        so="share that was the same",
    )
    st.plotly_chart(figure, key="compare_reliability", config=STILL)
    st.caption(
        "Each bar is a group of pairs with about the same stated chance of being the same. On the dotted "
        "line, 80% of the pairs with a stated chance of 80% were the same. Darker bars stand for more "
        "pairs. The chances of each pair were fitted on other classes."
    )


def stops(rates: PairRates) -> list[Strictness]:
    """Return the positions of the slider, strictest first, including the one where both errors are equal."""
    return sorted((*FALSE_ACCEPTS, EQUAL), key=lambda one: _threshold(rates, one), reverse=True)


def _threshold(rates: PairRates, strictness: Strictness) -> float:
    return rates.threshold if strictness == EQUAL else rates.threshold_at(strictness)


def _title(rates: PairRates, strictness: Strictness) -> str:
    if strictness == EQUAL:
        return f"both errors equal: {rate_text(rates.equal_error_rate)}"
    missed = rates.false_reject(rates.threshold_at(strictness))
    return f"{rate_text(strictness)} let in, {rate_text(missed)} turned away"
