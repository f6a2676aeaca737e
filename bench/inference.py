"""Measure how fast answers are, against easyfsl with the same network and against the network alone.

    pip install -e .[bench]
    python -m bench inference [--checkpoint NAME] [--quick]

One query: from a decoded picture of 1024 x 768 pixels to the answer, with 5 classes of 5 support pictures
that are already embedded, by the program's own engine and by torch (``FSL_ENGINE=torch``). easyfsl uses
torchvision's transforms and its prototypical network around the same backbone. The comparison is the bare
forward pass of the same network in eager torch on a prepared tensor.

A folder: from 2,000 photos (JPEG, 1024 x 768) to a table of answers, by the command ``classify``. easyfsl's
network is fed by a DataLoader with one worker per core. The comparison is the bare eager forward pass over as
many images in memory, at the best of several batch sizes.
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from bench._photos import write_photos
from fsl.__main__ import main as command_line
from fsl.fewshot.classify import classify
from fsl.fewshot.embed import CACHE, embed
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from fsl.training.cores import usable_cores
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.checkpoint_files import CHECKPOINT_DIR, available
from fsl.twin.network import TwinNetwork

N_CLASSES, N_SHOT = 5, 5
BATCHES = (2, 4, 8, 16, 32, 64)


def by_torch(work: Callable[[], object]) -> Callable[[], object]:
    """Return the same work with the networks computed by torch."""

    def call() -> object:
        with patch.dict(os.environ, {"FSL_ENGINE": "torch"}):
            return work()

    return call


class Embed(nn.Module):
    """The twin's backbone in the form that easyfsl expects."""

    def __init__(self, twin: TwinNetwork) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, images: Tensor) -> Tensor:
        return self.twin.embed(images.contiguous(memory_format=torch.channels_last))


class Photos(Dataset):
    """A folder of files, as users of easyfsl usually read it."""

    def __init__(self, files: list[Path], transform: object) -> None:
        self.files, self.transform = files, transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Tensor:
        return self.transform(Image.open(self.files[row]).convert("RGB"))


def transform_of(checkpoint: Checkpoint) -> transforms.Compose:
    model = checkpoint.info.model
    return transforms.Compose(
        [
            transforms.Resize(model.image_size),
            transforms.CenterCrop(model.image_size),
            transforms.ToTensor(),
            transforms.Normalize(model.mean, model.std),
        ]
    )


def peer_of(checkpoint: Checkpoint, support: SupportSet) -> nn.Module:
    """Return easyfsl's prototypical network with the support set's prototypes."""
    from easyfsl.methods import PrototypicalNetworks

    peer = PrototypicalNetworks(Embed(checkpoint.twin)).eval()
    transform = transform_of(checkpoint)
    with torch.inference_mode():
        images = torch.stack([transform(image.image) for image in support.images])
        peer.process_support_set(images, support.slot_tensor)
    return peer


def ready_images(checkpoint: Checkpoint, n: int) -> Tensor:
    side = checkpoint.info.model.image_size
    return torch.rand(n, 3, side, side).contiguous(memory_format=torch.channels_last)


def classify_new_picture(checkpoint: Checkpoint, support: SupportSet) -> Callable[[], object]:
    """Embed the support set, and return a function that classifies a picture it has not seen before."""
    picture, numbers = support.images[0].image, count()
    embed(checkpoint, support.images)
    # Each call has a new digest, so that no embedding comes from the cache.
    return lambda: classify(checkpoint, support, [NamedImage("query", picture, f"query {next(numbers)}")])


def one_query(
    checkpoint: Checkpoint, support: SupportSet, rounds: int
) -> tuple[Claim, list[dict[str, object]]]:
    """Measure the time of an answer to one query."""
    peer, transform = peer_of(checkpoint, support), transform_of(checkpoint)
    picture, ready = support.images[0].image, ready_images(checkpoint, 1)
    ours = classify_new_picture(checkpoint, support)

    @torch.inference_mode()
    def theirs() -> None:
        peer(transform(picture)[None]).softmax(1).tolist()

    @torch.inference_mode()
    def limit() -> None:
        checkpoint.twin.embed(ready)

    seconds = take_turns(
        {
            "fsl.classify": ours,
            "fsl.classify by torch": by_torch(ours),
            "easyfsl": theirs,
            "bare forward pass": limit,
        },
        rounds,
        warm_up=3,
    )
    over_limit = ratio(seconds["fsl.classify"], seconds["bare forward pass"])
    over_peer = ratio(seconds["easyfsl"], seconds["fsl.classify"])
    milliseconds = {name: 1000 * median(values) for name, values in seconds.items()}
    say(f"one query: easyfsl takes {over_peer} times as long")
    claim = Claim(
        f"One query against 5 x 5 embedded pictures ({checkpoint.info.name}), against the bare forward pass",
        f"{milliseconds['fsl.classify']:.1f} ms (by torch {milliseconds['fsl.classify by torch']:.1f} ms, "
        f"easyfsl {milliseconds['easyfsl']:.1f} ms)",
        f"{milliseconds['bare forward pass']:.1f} ms",
        str(over_limit),
        "at most 0.75",
        over_limit.median <= 0.75,
    )
    return claim, [
        {"what": f"one query, {name}", "figure": f"{ms:.2f} ms"} for name, ms in milliseconds.items()
    ]


def best_batch(checkpoint: Checkpoint, rounds: int) -> tuple[int, Tensor]:
    """Return the batch size at which the bare network is fastest, and a batch of that size."""
    images = ready_images(checkpoint, max(BATCHES))
    with torch.inference_mode():
        passes = {
            str(size): lambda size=size: [
                checkpoint.twin.embed(images[i : i + size]) for i in range(0, 64, size)
            ]
            for size in BATCHES
        }
        seconds = take_turns(passes, rounds, warm_up=0)
    best = min(BATCHES, key=lambda size: median(seconds[str(size)]))
    say(f"bare forward pass: batches of {best} are the fastest of {BATCHES}")
    return best, ready_images(checkpoint, best)


def folder(
    checkpoint: Checkpoint, support: SupportSet, places: tuple[Path, Path], rounds: int
) -> tuple[Claim, list[dict[str, object]]]:
    """Measure the photos per second of a whole folder; ``places`` are the support set and the queries."""
    known, queries = places
    files = sorted(queries.rglob("*.jpg"))
    peer, transform = peer_of(checkpoint, support), transform_of(checkpoint)
    size, ready = best_batch(checkpoint, rounds)

    def ours() -> None:
        CACHE.clear()  # else the second round would find the embeddings of the first
        arguments = ["--support", str(known), "--query", str(queries), "--checkpoint", checkpoint.info.name]
        with contextlib.redirect_stdout(io.StringIO()):
            assert command_line(["classify", *arguments, "--csv", os.devnull, "--device", "cpu"]) == 0

    @torch.inference_mode()
    def theirs() -> None:
        loader = DataLoader(Photos(files, transform), batch_size=64, num_workers=usable_cores())
        np.concatenate([peer(images).softmax(1).numpy() for images in loader])

    @torch.inference_mode()
    def limit() -> None:
        for start in range(0, len(files), size):
            checkpoint.twin.embed(ready[: min(size, len(files) - start)])

    seconds = take_turns(
        {
            "fsl classify": ours,
            "fsl classify by torch": by_torch(ours),
            "easyfsl": theirs,
            "bare forward pass": limit,
        },
        rounds,
        warm_up=0,
    )
    rates = {name: len(files) / median(values) for name, values in seconds.items()}
    of_limit = ratio(seconds["bare forward pass"], seconds["fsl classify"])
    claim = Claim(
        f"{len(files):,} photos through `classify` ({checkpoint.info.name}), against the bare forward pass",
        f"{rates['fsl classify']:.1f} photos/s (by torch {rates['fsl classify by torch']:.1f}, "
        f"easyfsl {rates['easyfsl']:.1f})",
        f"{rates['bare forward pass']:.1f} images/s",
        str(of_limit),
        "at least 1.3",
        of_limit.median >= 1.3,
    )
    return claim, [
        {"what": f"folder, {name}", "figure": f"{rate:.1f} a second"} for name, rate in rates.items()
    ]


def main() -> None:
    options = options_of(
        __doc__,
        ("--checkpoint", {"default": "", "help": "default: photos, or else fruits"}),
        ("--photos", {"type": int, "default": 2000, "help": "size of the folder, a multiple of 20"}),
        ("--rounds", {"type": int, "default": 3, "help": "over the folder"}),
    )
    installed = available(CHECKPOINT_DIR)
    checkpoint = fsl.load(options.checkpoint or ("photos" if "photos" in installed else "fruits"), "cpu")
    # Queries and support pictures differ, because the command caches embeddings by content.
    with tempfile.TemporaryDirectory() as temporary:
        known, queries = Path(temporary, "support"), Path(temporary, "queries")
        write_photos(known, N_CLASSES, N_SHOT)
        say("writing the photos")
        write_photos(queries, 20, 1 if options.quick else options.photos // 20)
        support = SupportSet.from_folder(known)
        claims, rows = zip(
            one_query(checkpoint, support, 10 if options.quick else 100),
            folder(checkpoint, support, (known, queries), 1 if options.quick else options.rounds),
            strict=True,
        )
    finish(
        "inference",
        claims,
        [row for part in rows for row in part],
        options.quick,
        checkpoint=checkpoint.info.name,
    )


if __name__ == "__main__":
    main()
