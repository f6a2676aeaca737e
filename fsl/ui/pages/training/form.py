"""The form for training runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from fsl.base.errors import FslError, SettingsError
from fsl.config import NO_AUGMENTATION, SCRATCH, ModelConfig, TrainConfig
from fsl.training.presets import PRESETS, Preset
from fsl.ui.pages.training.data import MINE, choose_data, show_held_out
from fsl.ui.pages.training.request import TrainRequest, checkpoint_choice
from fsl.ui.pages.training.settings import (
    AUGMENT,
    BACKBONE,
    BATCH,
    DATA,
    IMAGE_SIZE,
    LOSS,
    PAIRING,
    PRESET,
    RATES,
    SEED,
    START,
    STEPS,
    TRAINABLE,
)
from fsl.ui.pages.training.split import Split
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import choices, load_checkpoint
from fsl.ui.shared.run_labels import LAYERS, LOSSES, PAIRINGS, learning_rate_text

_RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
MOST_RATES = 4


def show_form() -> TrainRequest:
    """Show the form and return what it asks for."""
    st.pills(**PRESET.widget(), on_change=guarded_callback(_use_preset), required=True, wrap=True)
    preset = PRESETS[PRESET.value]
    st.caption(markdown(preset.help))
    data = choose_data()
    split = show_held_out(data)
    start = _start(preset)
    _warn_of_seen(start, data, split)
    rates = _choose_rates(preset)
    steps = st.number_input(**replace(STEPS, default=preset.config.steps).widget())
    model, config = _details(preset, start)
    config = replace(config, steps=int(steps))
    return TrainRequest(data, start, model, config, rates, split)


def _choose_rates(preset: Preset) -> tuple[float, ...]:
    setting = replace(RATES, default=list(preset.rates))
    taken = [
        rate for rate in setting.value if isinstance(rate, float)
    ]  # the range test may suggest one not listed
    chosen: list[float | str] = st.multiselect(
        **setting.widget(),
        options=sorted({*_RATES, *taken}),
        format_func=lambda rate: learning_rate_text(rate) if isinstance(rate, float) else rate,
        max_selections=MOST_RATES,
        accept_new_options=True,
    )
    rates = set()
    for text in chosen:
        try:
            rates.add(replace(preset.config, learning_rate=float(text)).learning_rate)
        except ValueError:  # not a number, or out of range
            st.warning(markdown(f"{text} is ignored: a learning rate is a number from 0.00000001 to 100."))
    return tuple(sorted(rates))


def _warn_of_seen(start: str, data: str, split: Split) -> None:
    """Warn if the starting network was trained on classes that it will be tested on."""
    if start == SCRATCH or not split.tested:
        return
    seen = load_checkpoint(checkpoint_choice(start)).info.trained_on(split.tested, data)
    if seen:
        st.caption(markdown(core.seen_before(start, len(seen), len(split.tested))))


def _start(preset: Preset) -> str:
    try:
        names = [choice.name for choice in choices()]
    except FslError:
        names = []
    default = names[0] if preset.from_checkpoint and names else SCRATCH
    titles = {SCRATCH: SCRATCH, **{name: f"continue with {name}" for name in names}}
    start = replace(START, default=default)
    if start.value not in titles:
        st.warning(
            markdown(f"The network {start.value} is not installed; a new one will be trained from scratch."),
            icon=":material/warning:",
        )
        start.put(SCRATCH)
    return str(st.selectbox(**replace(start, options=titles).widget()))


def _details(preset: Preset, start: str) -> tuple[ModelConfig, TrainConfig]:
    with st.expander("More settings"):
        left, right = st.columns(2)
        with left:
            c = _how_it_learns(preset.config)
        with right:
            backbone, size = preset.model.backbone, preset.model.image_size
            if start == SCRATCH:
                backbone = str(st.selectbox(**replace(BACKBONE, default=backbone).widget()))
                size = st.select_slider(**IMAGE_SIZE.widget())
            batch = st.select_slider(**replace(BATCH, default=preset.batch).widget())
            changed = st.toggle(**AUGMENT.widget())
    model = replace(preset.model, backbone=backbone, image_size=int(size))
    if backbone != preset.model.backbone:
        model = replace(model, widths=())
    config = replace(
        c,
        batch_pairs=int(batch),
        batch_classes=max(2, int(batch) // c.batch_images),
        augment=c.augment if changed else replace(NO_AUGMENTATION, background=c.augment.background),
        evaluate_first=True,  # so that every curve starts at the same point
        snapshot_images=150,
    )
    return model, config


def _how_it_learns(given: TrainConfig) -> TrainConfig:
    """Show loss, pairs, layers and seed; options that do not fit the loss are not offered."""
    loss = str(st.selectbox(**replace(LOSS, default=given.loss, options=LOSSES).widget()))
    chosen: dict[str, Any] = {"loss": loss, "pairing": "all", "trainable": "all"}  # allowed with every loss
    c = replace(given, **chosen)
    pairings, layers = _compatible(PAIRINGS, c, "pairing"), _compatible(LAYERS, c, "trainable")
    chosen |= {
        "pairing": st.selectbox(**replace(PAIRING, default=given.pairing, options=pairings).widget()),
        "trainable": st.selectbox(**replace(TRAINABLE, default=given.trainable, options=layers).widget()),
        "seed": int(st.number_input(**SEED.widget())),
    }
    return replace(given, **chosen)


def _compatible(options: dict[str, str], config: TrainConfig, setting: str) -> dict[str, str]:
    """Return the options that ``TrainConfig`` accepts together with the other settings."""
    found = {}
    for option, title in options.items():
        change: dict[str, Any] = {setting: option}
        try:
            replace(config, **change)
        except SettingsError:
            continue
        found[option] = title
    return found


def take_preset(asked: Mapping[str, str]) -> None:
    """Adopt the preset and the network to start from that an address asks for; ignore unknown presets.

    Args:
        asked: parameters of the address.
    """
    name, start = asked.get("preset", ""), asked.get("start", "")
    if name not in PRESETS:
        return
    _set_preset(name)
    if start:
        START.put(start)


def _use_preset() -> None:
    _set_preset(PRESET.value)


def _set_preset(name: str) -> None:
    preset = PRESETS[name]
    PRESET.put(name)
    RATES.put(list(preset.rates))
    STEPS.put(preset.config.steps)
    LOSS.put(preset.config.loss)
    PAIRING.put(preset.config.pairing)
    TRAINABLE.put(preset.config.trainable)
    BATCH.put(preset.batch)
    AUGMENT.put(True)
    DATA.put(preset.data or MINE)
    if preset.from_checkpoint:
        START.put(_first_checkpoint())
        return
    START.put(SCRATCH)
    BACKBONE.put(preset.model.backbone)
    IMAGE_SIZE.put(preset.model.image_size)


def _first_checkpoint() -> str:
    try:
        return choices()[0].name
    except FslError:
        return SCRATCH
