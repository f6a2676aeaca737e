"""The settings of a run, each with a sentence of help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.base.errors import FslError, SettingsError
from fsl.config import NO_AUGMENTATION, ModelConfig, TrainConfig
from fsl.training.presets import PRESETS, Preset
from fsl.ui.pages.training.data import DEFAULT, MINE, choose_data, show_held_out
from fsl.ui.pages.training.request import SCRATCH, TrainRequest, checkpoint_choice
from fsl.ui.pages.training.split import Split
from fsl.ui.pages.training.values import kept, set_values, values
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import choices, load_checkpoint
from fsl.ui.shared.run_labels import BACKBONES, LAYERS, LOSSES, PAIRINGS, learning_rate_text

if TYPE_CHECKING:
    pass

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
MOST_RATES = 4


def show_form() -> TrainRequest:
    """The widgets, and what they are set to."""
    st.pills(
        "Start with",
        list(PRESETS),
        key=kept("preset", "article"),
        format_func=lambda name: PRESETS[name].title,
        on_change=guarded_callback(_use_preset),
        help="Ready-made settings; everything below can still be changed.",
        required=True,
        wrap=True,
    )
    preset = PRESETS[st.session_state["preset"] or "article"]
    st.caption(markdown(preset.help))
    data = choose_data()
    split = show_held_out(data)
    start = _start(preset)
    _warn_of_seen(start, data, split)
    rates = _choose_rates(preset)
    steps = st.number_input(
        "Batches",
        10,
        100_000,
        key=kept("steps", preset.config.steps),
        step=50,
        help="How long to train: a batch is a handful of pictures that it learns from at once. A run can be "
        "stopped at any time and resumed later.",
    )
    model, config = _details(preset, start)
    config = replace(config, steps=int(steps))
    return TrainRequest(data, start, model, config, rates, split)


def _choose_rates(preset: Preset) -> tuple[float, ...]:
    key = kept("rates", list(preset.rates))
    taken = [rate for rate in st.session_state[key] if isinstance(rate, float)]  # a suggestion may be another
    chosen: list[float | str] = st.multiselect(
        "Learning rates",
        sorted({*RATES, *taken}),
        key=key,
        format_func=lambda rate: learning_rate_text(rate) if isinstance(rate, float) else rate,
        max_selections=MOST_RATES,
        accept_new_options=True,
        help="How big a step each batch makes. Choose several to train one network with each, side by side; "
        "others than these can be typed.",
    )
    rates = set()
    for text in chosen:
        try:
            rates.add(replace(preset.config, learning_rate=float(text)).learning_rate)
        except ValueError:  # of float, or that of settings out of range
            st.warning(markdown(f"{text} is left out: a learning rate is a number from 0.00000001 to 100."))
    return tuple(sorted(rates))


def _warn_of_seen(start: str, data: str, split: Split) -> None:
    """Say so where the network to start from was trained on what it is to be tested on."""
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
    options = [SCRATCH, *names]
    if kept("start", default) and st.session_state["start"] not in options:
        gone = st.session_state["start"]
        set_values({"start": SCRATCH})
        st.warning(
            markdown(f"The network {gone} is not installed here; a new one is trained from scratch instead."),
            icon=":material/warning:",
        )
    return st.selectbox(
        "Network",
        options,
        key="start",
        format_func=lambda name: name if name == SCRATCH else f"go on with {name}",
        help="A new network with random weights, or a trained one to go on with, of which a copy is taken.",
    )


def _details(preset: Preset, start: str) -> tuple[ModelConfig, TrainConfig]:
    with st.expander("More settings"):
        left, right = st.columns(2)
        with left:
            c = _how_it_learns(preset.config)
        with right:
            backbone, size = preset.model.backbone, preset.model.image_size
            if start == SCRATCH:
                backbone = _choice(
                    "Backbone", BACKBONES, "backbone", backbone, "The network that looks at each picture."
                )
                size = st.select_slider(
                    "Picture size",
                    [16, 32, 48, 64, 96],
                    key=kept("image_size", 32),
                    help="Side in pixels; larger sees more and takes longer.",
                )
            batch = st.select_slider(
                "Batch size",
                [8, 16, 32, 64, 128],
                key=kept("batch", preset.batch),
                help="Pairs in a batch; for all pairs, pictures in a batch.",
            )
            changed = st.toggle(
                "Vary the pictures",
                key=kept("augment", True),
                help="Turn, zoom and relight each picture a little, against learning by heart.",
            )
    model = replace(preset.model, backbone=backbone, image_size=int(size))
    if backbone != preset.model.backbone:
        model = replace(model, widths=())
    config = replace(
        c,
        batch_pairs=int(batch),
        batch_classes=max(2, int(batch) // c.batch_images),
        augment=c.augment if changed else replace(NO_AUGMENTATION, background=c.augment.background),
        # Whoever goes on with a trained network wants to know whether it got better.
        evaluate_first=start != SCRATCH,
        snapshot_images=150,
    )
    return model, config


def _how_it_learns(given: TrainConfig) -> TrainConfig:
    """Loss, pairs, layers and seed; what does not go with the loss is not offered."""
    loss = _choice(
        "Loss",
        LOSSES,
        "loss",
        given.loss,
        "What counts as a mistake: a wrong answer to “same or different?”, or pictures of one class that lie "
        "further apart than those of two.",
    )
    chosen: dict[str, Any] = {"loss": loss, "pairing": "all", "trainable": "all"}  # go with every loss
    c = replace(given, **chosen)
    pairing = _choice(
        "Pairs",
        _that_go(PAIRINGS, c, "pairing"),
        "pairing",
        given.pairing,
        "All pairs gives hundreds of pairs for the same work.",
    )
    layers = _choice(
        "Layers to train",
        _that_go(LAYERS, c, "trainable"),
        "trainable",
        given.trainable,
        "Fewer layers change a network less. The head is its last step, which turns the numbers of two "
        "pictures into one answer.",
    )
    seed = st.number_input(
        "Seed", 0, 10_000, key=kept("seed", 0), help="The same seed gives the same batches again."
    )
    chosen |= {"pairing": pairing, "trainable": layers, "seed": int(seed)}
    return replace(given, **chosen)


def _that_go(options: dict[str, str], config: TrainConfig, setting: str) -> dict[str, str]:
    """The options that go with the other settings; which do, the settings themselves know."""
    found = {}
    for option, title in options.items():
        change: dict[str, Any] = {setting: option}
        try:
            replace(config, **change)
        except SettingsError:
            continue
        found[option] = title
    return found


def _choice(label: str, options: dict[str, str], key: str, default: str, help_text: str) -> str:
    if kept(key, default) and st.session_state[key] not in options:
        set_values({key: next(iter(options))})
    return st.selectbox(label, list(options), key=key, format_func=lambda o: options[o], help=help_text)


def take_address() -> None:
    """Set what a link asks for (``?preset=fine-tune&start=fruits``), once; what is unknown is left alone."""
    name, start = st.query_params.get("preset", ""), st.query_params.get("start", "")
    if name not in PRESETS:
        return
    _set_preset(name)
    if start:
        set_values({"start": start})
    for parameter in ("preset", "start"):
        st.query_params.pop(parameter, None)


def _use_preset() -> None:
    _set_preset(st.session_state["preset"] or "article")


def _set_preset(name: str) -> None:
    preset = PRESETS[name]
    new: dict[str, Any] = {
        "preset": name,
        "rates": list(preset.rates),
        "steps": preset.config.steps,
        "loss": preset.config.loss,
        "pairing": preset.config.pairing,
        "trainable": preset.config.trainable,
        "batch": preset.batch,
        "augment": True,
    }
    if preset.from_checkpoint:
        new |= {"data": MINE, "start": _first_checkpoint()}
    else:
        new |= {"start": SCRATCH, "backbone": preset.model.backbone, "image_size": preset.model.image_size}
        if values().get("data") == MINE:  # which the other preset had chosen
            new["data"] = DEFAULT
    set_values(new)


def _first_checkpoint() -> str:
    try:
        return choices()[0].name
    except FslError:
        return SCRATCH
