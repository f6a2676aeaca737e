"""The settings of a run, each with a sentence of help, and the runs that they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.config import ModelConfig, TrainConfig
from fsl.errors import DataError, FslError, SettingsError
from fsl.training.presets import PRESETS, Preset
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded_callback
from fsl.ui.resources import Choice, choices, load_checkpoint
from fsl.ui.training.data import MINE, choose_data, data_of_run, show_held_out
from fsl.ui.training.split import Split
from fsl.ui.training.values import kept, set_values
from fsl.ui.visitor import visitor

if TYPE_CHECKING:
    from fsl.training.background import RunPlan
    from fsl.twin.network import TwinNetwork

SCRATCH = "from scratch"
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
MOST_RATES = 4
BACKBONES = {
    "plain4": "Plain (no batch norm: the learning rate matters most)",
    "conv4": "Conv-4 (small, the field's standard)",
    "residual": "Residual (deeper, as fast)",
}
LOSSES = {
    "bce": "Same or different (the article's)",
    "bce+rank": "Same or different, and ranking",
    "contrastive": "Contrastive",
    "triplet": "Triplet",
}
PAIRINGS = {"random": "Random pairs (the article's)", "all": "All pairs of each batch"}
LAYERS = {"all": "All layers", "last": "The last block and the head", "head": "The head alone"}


@dataclass(frozen=True)
class Wish:
    """What the form was set to when its button was pressed.

    Attributes:
        data: name of a data set, ``fsl.ui.training.data.MINE`` or ``UPLOAD``.
        start: name of a checkpoint, or ``SCRATCH``.
        model: architecture where there is no checkpoint.
        config: settings but for the learning rate.
        rates: learning rates, one run each.
        split: what is held out for testing.
    """

    data: str
    start: str
    model: ModelConfig
    config: TrainConfig
    rates: tuple[float, ...]
    split: Split


def rate_text(rate: float) -> str:
    """A learning rate as people write it: 0.0001, 0.3, 10."""
    return f"{rate:.10f}".rstrip("0").rstrip(".")


def show_form() -> Wish:
    """The widgets, and what they are set to."""
    preset = PRESETS["article"]
    st.pills(
        "Start with",
        list(PRESETS),
        key=kept("preset", "article"),
        format_func=lambda name: PRESETS[name].title,
        on_change=guarded_callback(_use_preset),
        help="Ready-made settings; everything below can still be changed.",
        required=True,
    )
    preset = PRESETS[st.session_state["preset"] or "article"]
    st.caption(markdown(preset.help))
    data = choose_data()
    split = show_held_out(data)
    start = _start(preset)
    rates = st.multiselect(
        "Learning rates",
        RATES,
        key=kept("rates", list(preset.rates)),
        format_func=rate_text,
        max_selections=MOST_RATES,
        help="How big a step each batch makes. Choose several to train one network with each, side by side.",
    )
    steps = st.number_input(
        "Batches",
        10,
        100_000,
        key=kept("steps", preset.config.steps),
        step=50,
        help="How long to train; a run can be stopped at any time and resumed later.",
    )
    model, config = _details(preset, start)
    config = replace(config, steps=int(steps))
    return Wish(data, start, model, config, tuple(sorted(rates)), split)


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
    c = preset.config
    with st.expander("More settings"):
        left, right = st.columns(2)
        with left:
            loss = _choice("Loss", LOSSES, "loss", c.loss, "What counts as a mistake.")
            pairing = _choice(
                "Pairs",
                PAIRINGS,
                "pairing",
                c.pairing,
                "All pairs gives hundreds of pairs for the same work.",
            )
            layers = _choice(
                "Layers to train", LAYERS, "trainable", c.trainable, "Fewer layers change a network less."
            )
            seed = st.number_input(
                "Seed", 0, 10_000, key=kept("seed", 0), help="The same seed gives the same batches again."
            )
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
                key=kept("batch", 32),
                help="Pairs in a batch; for all pairs, pictures in a batch.",
            )
            changed = st.toggle(
                "Change pictures at random",
                key=kept("augment", True),
                help="Turn, zoom and relight each picture a little, against learning by heart.",
            )
    model = replace(preset.model, backbone=backbone, image_size=int(size))
    if backbone != preset.model.backbone:
        model = replace(model, widths=())
    augment = (
        c.augment if changed else replace(c.augment, rotate=0, zoom=1, shift=0, brightness=0, contrast=0)
    )
    settings: dict[str, Any] = {
        "loss": loss,
        "pairing": pairing,
        "trainable": layers,
        "seed": int(seed),
        "batch_pairs": int(batch),
        "batch_classes": max(2, int(batch) // c.batch_images),
        "augment": augment,
        "snapshot_images": 150,
    }
    return model, replace(c, **settings)


def _choice(label: str, options: dict[str, str], key: str, default: str, help_text: str) -> str:
    return st.selectbox(
        label, list(options), key=kept(key, default), format_func=lambda o: options[o], help=help_text
    )


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
    }
    if preset.from_checkpoint:
        new |= {"data": MINE, "start": _first_checkpoint()}
    else:
        new |= {"start": SCRATCH, "backbone": preset.model.backbone}
    set_values(new)


def _first_checkpoint() -> str:
    try:
        return choices()[0].name
    except FslError:
        return SCRATCH


def plans_of(wish: Wish) -> list[RunPlan]:
    """The runs to start: one per learning rate, alike in everything else.

    Raises:
        SettingsError, DataError, CheckpointError: something is missing or cannot be used.
    """
    from fsl.training.background import RunPlan
    from fsl.twin.network import TwinNetwork

    if not wish.rates:
        raise SettingsError("Choose at least one learning rate.")
    start = starting_network(wish)
    model = start.config if isinstance(start, TwinNetwork) else start
    data = data_of_run(wish.data, wish.split, model, wish.config.seed)
    about = {"start": ""}
    if wish.start != SCRATCH:
        subject = load_checkpoint(checkpoint_choice(wish.start)).info.subject
        about = {"start": wish.start, "subject": subject}
    return [
        RunPlan(
            replace(wish.config, learning_rate=rate),
            start,
            data,
            f"rate {rate_text(rate)}",
            about,
            visitor(),
        )
        for rate in wish.rates
    ]


def starting_network(wish: Wish) -> ModelConfig | TwinNetwork:
    """What to train from; the network is shared with other pages and must not be changed.

    Raises:
        DataError, CheckpointError: it is no longer there, or cannot be read.
    """
    if wish.start == SCRATCH:
        return wish.model
    return load_checkpoint(checkpoint_choice(wish.start)).twin


def checkpoint_choice(name: str) -> Choice:
    """The installed network of that name.

    Raises:
        DataError: it is no longer there.
    """
    found = [choice for choice in choices() if choice.name == name]
    if not found:
        raise DataError(f"The network {name} is no longer there. Choose another one.")
    return found[0]
