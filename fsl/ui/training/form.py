"""The settings of a run, each with a sentence of help, and the runs that they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.config import DataSource, ModelConfig, TrainConfig
from fsl.errors import DataError, FslError, SettingsError
from fsl.training.presets import PRESETS, Preset
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded_callback
from fsl.ui.resources import Choice, choices, load_checkpoint
from fsl.ui.state import session
from fsl.ui.training.values import kept, set_values

if TYPE_CHECKING:
    from fsl.training.background import RunPlan
    from fsl.training.datasource import TrainingData

MINE = "the classes of the Classify page"
UPLOAD = "a zip of my own"
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
        data: name of a data set, ``MINE`` or ``UPLOAD``.
        start: name of a checkpoint, or ``SCRATCH``.
        model: architecture where there is no checkpoint.
        config: settings but for the learning rate.
        rates: learning rates, one run each.
        hold_out: share held out for testing.
    """

    data: str
    start: str
    model: ModelConfig
    config: TrainConfig
    rates: tuple[float, ...]
    hold_out: float


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
    data = _data()
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
    model, config, hold_out = _details(preset, start)
    config = replace(config, steps=int(steps))
    return Wish(data, start, model, config, tuple(sorted(rates)), hold_out)


def _data() -> str:
    from fsl.data.builtin import BUILTIN_SETS
    from fsl.data.named import named_sets

    titles = {**BUILTIN_SETS, **{name: known.title for name, known in named_sets().items()}}
    titles |= {MINE: "The classes of the Classify page", UPLOAD: "A zip of my own: one folder per class"}
    data = st.selectbox(
        "Pictures to learn from",
        list(titles),
        key=kept("data", "digits"),
        format_func=lambda name: titles[name],
        help="The network learns from pairs of these: same class or different class?",
    )
    if data == UPLOAD:
        st.file_uploader("Zip with one folder per class", type="zip", key="training_zip")
    return data


def _start(preset: Preset) -> str:
    try:
        names = [choice.name for choice in choices()]
    except FslError:
        names = []
    default = names[0] if preset.from_checkpoint and names else SCRATCH
    options = [SCRATCH, *names]
    if kept("start", default) and st.session_state["start"] not in options:
        set_values({"start": SCRATCH})
    return st.selectbox(
        "Network",
        options,
        key="start",
        format_func=lambda name: name if name == SCRATCH else f"go on with {name}",
        help="A new network with random weights, or a trained one to go on with, of which a copy is taken.",
    )


def _details(preset: Preset, start: str) -> tuple[ModelConfig, TrainConfig, float]:
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
            hold_out = st.slider(
                "Held out for testing",
                0.0,
                0.6,
                step=0.05,
                key=kept("hold_out", 0.4),
                help="Share of the classes never trained on: the test asks about things it has not seen.",
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
    return model, replace(c, **settings), float(hold_out)


def _choice(label: str, options: dict[str, str], key: str, default: str, help_text: str) -> str:
    return st.selectbox(
        label, list(options), key=kept(key, default), format_func=lambda o: options[o], help=help_text
    )


def _use_preset() -> None:
    preset = PRESETS[st.session_state["preset"] or "article"]
    new: dict[str, Any] = {
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
    start: ModelConfig | TwinNetwork = wish.model
    if wish.start != SCRATCH:
        start = load_checkpoint(_checkpoint(wish.start)).twin
    model = start.config if isinstance(start, TwinNetwork) else start
    data = _images(wish, model)
    about = {"start": "" if wish.start == SCRATCH else wish.start}
    return [
        RunPlan(replace(wish.config, learning_rate=rate), start, data, f"rate {rate_text(rate)}", about)
        for rate in wish.rates
    ]


def _checkpoint(name: str) -> Choice:
    found = [choice for choice in choices() if choice.name == name]
    if not found:
        raise DataError(f"The network {name} is no longer there. Choose another one.")
    return found[0]


def _images(wish: Wish, model: ModelConfig) -> DataSource | TrainingData:
    if wish.data == MINE:
        return _my_classes(model, wish)
    if wish.data == UPLOAD:
        return _my_zip(model, wish)
    return DataSource(data=wish.data, hold_out=wish.hold_out)


def _my_classes(model: ModelConfig, wish: Wish) -> TrainingData:
    import numpy as np

    from fsl.data.imageset import ImageSet
    from fsl.training.datasource import held_out_data
    from fsl.twin.preprocess import to_uint8

    cards = [card for card in session().workspace.classes if len(card.pictures) >= 2]
    if len(cards) < 2:
        raise DataError(
            "The Classify page has fewer than 2 classes with 2 or more pictures each. Add some there, or "
            "choose other pictures here."
        )
    pictures = [picture for card in cards for picture in card.pictures]
    labels = np.repeat(np.arange(len(cards), dtype=np.int64), [len(card.pictures) for card in cards])
    images = ImageSet(
        to_uint8([picture.image for picture in pictures], model),
        labels,
        tuple(card.name for card in cards),
        tuple(picture.name for picture in pictures),
    )
    # The classes are the ones to be told apart, so the test is on other pictures of them.
    enough = min(len(card.pictures) for card in cards) >= 4
    return held_out_data(images, wish.hold_out if enough else 0.0, "images", wish.config.seed, "my classes")


def _my_zip(model: ModelConfig, wish: Wish) -> TrainingData:
    from fsl.data.imageset import load_image_set
    from fsl.data.listing import list_zip
    from fsl.training.datasource import held_out_data

    file = st.session_state.get("training_zip")
    if file is None:
        raise DataError("Drop a zip with one folder per class first.")
    images, _ = load_image_set(list_zip(file.getvalue(), file.name), model.image_size, model.fit)
    return held_out_data(images, wish.hold_out, "classes", wish.config.seed, file.name)
