"""Measure what the training engine costs compared with a bare PyTorch loop.

    python -m bench overhead [--quick]

The bare loop gets batches that are already drawn, converted and normalised. It runs only the forward pass,
the loss over all pairs, the backward pass and the optimiser. The engine also draws and converts batches,
keeps statistics, reports events and judges the run. Network, images per batch, precision and threads are the
same; both take turns, a few batches at a time.

It then measures the parts of an engine's step, with the default augmentation, and how long it takes to decode
as many images, small ones and photos. A run decodes once, before its first batch.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from fsl.config import NO_AUGMENTATION, ModelConfig, TrainConfig
from fsl.data.builtin import rendered_set
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import ImageEntry, Listing
from fsl.data.loading import load_listing
from fsl.data.query import ImageQuery
from fsl.training import batch, engine
from fsl.training.batch import draw_batch
from fsl.training.engine import train
from fsl.training.events import Pause
from fsl.training.state import TrainState, new_state
from fsl.twin.device import autocast
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import ClassIndex
from fsl.twin.preprocess import normalise, to_unit

MODEL = ModelConfig()  # Conv-4 with 64 channels at 64 x 64, the program's default
CONFIG = TrainConfig(steps=1_000_000, evaluate_every=0, augment=NO_AUGMENTATION)
PARTS = (
    "draw_batch",
    "to_unit",
    "as_new_classes",
    "augment",
    "normalise",
    "pair_loss",
    "batch_statistics",
    "judge",
)


def bare_loop(data: ImageSet, state: TrainState, n_batches: int) -> Callable[[], None]:
    """Return a loop of forward pass, loss, backward pass and optimiser step on prepared batches."""
    twin = TwinNetwork(MODEL).to(state.device).train()
    optimiser = torch.optim.Adam(twin.parameters(), CONFIG.learning_rate)
    index = ClassIndex(data.labels, data.class_names)
    batches = []
    for _ in range(n_batches):
        drawn = draw_batch(index, CONFIG, state.sampler)
        images = normalise(to_unit(data.images[drawn.rows], state.device), MODEL)
        batches.append((images, drawn.first, drawn.second, drawn.difference))

    def loop() -> None:
        for images, first, second, difference in batches:
            with autocast(state.device, state.bf16):
                embeddings = twin.embed(images)
            loss = bce_loss(twin.head(embeddings[first], embeddings[second]), difference)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()

    return loop


def engine_loop(data: ImageSet, config: TrainConfig, n_batches: int) -> Callable[[], None]:
    """Return a function that trains ``n_batches`` batches of an endless run."""
    run = train(data, config, new_state(config, MODEL))

    def loop() -> None:
        done = 0
        while done < n_batches:
            done += next(run) is Pause.BATCH

    return loop


@contextmanager
def stopwatches(seconds: dict[str, float], state: TrainState) -> Iterator[None]:
    """Add the time of each part of the engine's step to ``seconds``, by patching the engine."""

    def watched(name: str, work: Callable[..., object]) -> Callable[..., object]:
        def timed(*args: object, **kwargs: object) -> object:
            began = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began

        return timed

    with ExitStack() as stack:
        for name in PARTS:
            module = engine if name == "judge" else batch
            stack.enter_context(patch.object(module, name, watched(name, getattr(module, name))))
        backward = watched("backward", torch.autograd.backward)
        stack.enter_context(patch.object(torch.autograd, "backward", backward))
        stack.enter_context(patch.object(state, "embed", watched("forward", state.embed)))
        stack.enter_context(patch.object(state.optimiser, "step", watched("optimiser", state.optimiser.step)))
        yield


def where_it_goes(data: ImageSet, n_batches: int) -> list[dict[str, object]]:
    """Measure the parts of the engine's step, slowest first."""
    config = replace(TrainConfig(), steps=n_batches, evaluate_every=0)
    state = new_state(config, MODEL)
    state.optimiser.step()  # torch wraps this method at its first call
    seconds: dict[str, float] = {}
    with stopwatches(seconds, state):
        began = time.perf_counter()
        for _ in train(data, config, state):
            pass
        whole = time.perf_counter() - began
    seconds["all else (events, learning rate, copies)"] = whole - sum(seconds.values())
    order = sorted(seconds, key=lambda part: -seconds[part])
    return [
        {"part": part, "ms a batch": 1000 * seconds[part] / n_batches, "share": seconds[part] / whole}
        for part in order
    ]


def decoding(n_images: int, side: int) -> float:
    """Return the seconds per image to read JPEG files, ``side`` x ``side`` pixels, for the network."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((side, side)).save(buffer, "JPEG", quality=90)
    data = buffer.getvalue()
    entries = tuple(ImageEntry("ab"[i % 2], f"{i}.jpg", lambda: data) for i in range(n_images))
    began = time.perf_counter()
    load_listing(Listing(entries, ()), ImageQuery(MODEL.image_size, MODEL.fit))
    return (time.perf_counter() - began) / n_images


def main() -> None:
    options = options_of(__doc__)
    n_batches, rounds = (2, 2) if options.quick else (20, 15)
    data = rendered_set(MODEL.image_size, 4 if options.quick else 20)
    state = new_state(CONFIG, MODEL)
    n_images = n_batches * CONFIG.batch_classes * CONFIG.batch_images
    augmented = replace(CONFIG, augment=TrainConfig().augment)
    seconds = take_turns(
        {
            "bare loop": bare_loop(data, state, n_batches),
            "engine": engine_loop(data, CONFIG, n_batches),
            "engine with augmentation": engine_loop(data, augmented, n_batches),
        },
        rounds,
    )
    rates = {name: n_images / median(values) for name, values in seconds.items()}
    speed = ratio(seconds["bare loop"], seconds["engine"])
    rows: list[dict[str, object]] = [{"loop": name, "images a second": rate} for name, rate in rates.items()]
    say(f"bf16: {state.bf16}, threads: {torch.get_num_threads()}")
    parts = where_it_goes(data, 3 if options.quick else 100)
    batch = CONFIG.batch_classes * CONFIG.batch_images
    step = sum(float(str(part["ms a batch"])) for part in parts)
    for side in (100, 1000):
        spent = 1000 * batch * decoding(40 if options.quick else 400, side)
        what = f"decode (before the run, once an image, {side} x {side})"
        parts.append({"part": what, "ms a batch": spent, "share": spent / step})
    for part in parts:
        print(f"{part['part']:52} {part['ms a batch']:8.2f} ms {part['share']:7.1%}")
    claim = Claim(
        "Training engine against a bare PyTorch loop on data in memory",
        f"{rates['engine']:,.0f} images/s",
        f"{rates['bare loop']:,.0f} images/s",
        str(speed),
        "at least 0.95",
        speed.median >= 0.95,
    )
    finish("overhead", [claim], rows, options.quick, parts=parts, bf16=state.bf16)


if __name__ == "__main__":
    main()
