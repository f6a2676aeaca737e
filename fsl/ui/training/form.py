"""The settings of a run, each with a sentence of help, and the runs that they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.config import NO_AUGMENTATION, ModelConfig, TrainConfig
from fsl.errors import DataError, FslError, SettingsError
from fsl.training.presets import PRESETS, Preset
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded_callback
from fsl.ui.resources import Choice, choices, find_choice, load_checkpoint
from fsl.ui.training.data import DEFAULT, MINE, choose_data, data_of_run, show_held_out
from fsl.ui.training.split import Split
from fsl.ui.training.values import kept, set_values, values
from fsl.ui.visitor import visitor

if TYPE_CHECKING:
    from fsl.training.background import RunPlan
    from fsl.twin.network import TwinNetwork

SCRATCH = "from scratch"
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
MOST_RATES = 4
BACKBONES = {
    "plain4": "Plain (nothing evens out its signals: the learning rate matters most)",
    "conv4": "Conv-4 (small, the field's standard)",
    "residual": "Residual (deeper, as fast)",
}
LOSSES = {
    "bce": "Cross-entropy: same or different (the article's)",
    "bce+rank": "Cross-entropy and ranking",
    "contrastive": "Contrastive: same close, different apart",
    "triplet": "Triplet: nearer to its own class than to others",
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
    return Wish(data, start, model, config, rates, split)


def _choose_rates(preset: Preset) -> tuple[float, ...]:
    key = kept("rates", list(preset.rates))
    taken = [rate for rate in st.session_state[key] if isinstance(rate, float)]  # a suggestion may be another
    chosen: list[float | str] = st.multiselect(
        "Learning rates",
        sorted({*RATES, *taken}),
        key=key,
        format_func=lambda rate: rate_text(rate) if isinstance(rate, float) else rate,
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
        st.caption(
            markdown(
                f"{start} was trained on {len(seen)} of the {len(split.tested)} classes that are held out, "
                "so the test here says little about classes that it has never seen."
            )
        )


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


def plans_of(wish: Wish) -> list[RunPlan]:
    """The runs to start: one per learning rate, alike in everything else.

    Raises:
        SettingsError, DataError, CheckpointError: something is missing or cannot be used.
    """
    from fsl.training.background import RunPlan
    from fsl.training.runs import inherited
    from fsl.twin.network import TwinNetwork

    if not wish.rates:
        raise SettingsError("Choose at least one learning rate.")
    start = starting_network(wish.start, wish.model)
    model = start.config if isinstance(start, TwinNetwork) else start
    data = data_of_run(wish.data, wish.split, model, wish.config.seed)
    about: dict[str, Any] = {"start": ""}
    if wish.start != SCRATCH:
        about = inherited(wish.start, load_checkpoint(checkpoint_choice(wish.start)).info)
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


def starting_network(start: str, model: ModelConfig) -> ModelConfig | TwinNetwork:
    """What to train from; the network is shared with other pages and must not be changed.

    Args:
        start: name of an installed network, or ``SCRATCH``.
        model: architecture for the latter.

    Raises:
        DataError, CheckpointError: the network is no longer there, or cannot be read.
    """
    return model if start == SCRATCH else load_checkpoint(checkpoint_choice(start)).twin


def checkpoint_choice(name: str) -> Choice:
    """The installed network of that name.

    Raises:
        DataError: it is no longer there.
    """
    found = find_choice(name, choices())
    if found is None:
        raise DataError(f"The network {name} is no longer there. Choose another one.")
    return found
