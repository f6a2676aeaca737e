"""Warm up the engine and preload the pictures in the background, before the first run starts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import streamlit as st

from fsl.base.errors import FslError
from fsl.config import Fit, ModelConfig
from fsl.ui.pages.training.data import is_preloadable
from fsl.ui.pages.training.request import TrainRequest, config_of, starting_network
from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE

_LOG = logging.getLogger(__name__)


def prepare_run(request: TrainRequest) -> None:
    """Start preparing for the run that the form asks for, without waiting."""
    _warm_up()
    if is_preloadable(request.data):
        start = starting_network(request.start, request.model)
        model = config_of(start)
        _read(request.data, model.image_size, model.fit)


@st.cache_resource(show_spinner=False)
def _warm_up() -> threading.Thread:
    def work() -> None:
        with COMPUTE:
            core.warm_up_engine()

    return _begin(work, "warm-up-training")


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(data: str, size: int, fit: Fit) -> threading.Thread:
    def work() -> None:
        core.read_ahead(data, ModelConfig(image_size=size, fit=fit))

    return _begin(work, f"read-{data}")


def _begin(work: Callable[[], None], name: str) -> threading.Thread:
    def safely() -> None:
        try:
            work()
        except FslError as error:
            _LOG.warning("%s: %s", name, error)  # a run that needs it shows the error

    thread = threading.Thread(target=safely, name=name, daemon=True)
    thread.start()
    return thread
