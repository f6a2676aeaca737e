"""Measure how long people wait for ``photos``.

    python -m bench photos_speed [--checkpoint NAME] [--quick]

One query: from a decoded picture of 1024 x 768 pixels to the answer, with 20 classes of 5 support pictures
that are already embedded, against the bare backbone's forward pass in eager torch on a prepared tensor. A
support set: 200 photos (JPEG, 1024 x 768) from their bytes to embeddings, read as the commands read them.
Classes with one picture: 20 pictures embedded with their augmented copies, against 20 bare eager passes.
"""

import tempfile
from pathlib import Path

import torch

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, take_turns
from bench._photos import write_photos
from bench.inference import classify_new_picture, ready_images
from fsl.fewshot.embed import CACHE, embed
from fsl.fewshot.read_pictures import read_pictures, sort_out
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint

N_WAY, N_SHOT, N_EMBEDDED = 20, 5, 200
MOST_SECONDS = 4


def one_query(checkpoint: Checkpoint, support: SupportSet, rounds: int) -> Claim:
    """Measure the time of an answer to one query."""
    ready = ready_images(checkpoint, 1)

    @torch.inference_mode()
    def limit() -> None:
        checkpoint.twin.backbone(ready)

    answer = classify_new_picture(checkpoint, support)
    seconds = take_turns({"answer": answer, "bare": limit}, rounds, warm_up=3)
    over_limit = ratio(seconds["answer"], seconds["bare"])
    return Claim(
        f"One query against {N_WAY} x {N_SHOT} embedded pictures ({checkpoint.info.name}), against the bare "
        "backbone",
        f"{1000 * median(seconds['answer']):.1f} ms",
        f"{1000 * median(seconds['bare']):.1f} ms",
        str(over_limit),
        "at most 0.75",
        over_limit.median <= 0.75,
    )


def support_set(checkpoint: Checkpoint, files: list[Path]) -> Claim:
    """Measure the time to read and embed a support set."""

    def ours() -> None:
        readers = [(file.name, file.read_bytes) for file in files]
        pictures, _ = sort_out(read_pictures(readers, checkpoint.info.model, ahead=True))
        CACHE.clear()
        embed(checkpoint, pictures)

    seconds = take_turns({"ours": ours}, 1, warm_up=0)["ours"][0]
    return Claim(
        f"{len(files)} support pictures from bytes to embeddings ({checkpoint.info.name})",
        f"{seconds:.1f} s",
        f"{MOST_SECONDS} s",
        f"{seconds / MOST_SECONDS:.2f}",
        "at most 1",
        seconds <= MOST_SECONDS,
    )


def one_shot(checkpoint: Checkpoint, support: SupportSet, rounds: int) -> Claim:
    """Measure what the augmented copies of pictures cost whose classes have no others."""
    pictures, ready = support.images[:N_WAY], ready_images(checkpoint, 1)

    @torch.inference_mode()
    def limit() -> None:
        for _ in pictures:
            checkpoint.twin.backbone(ready)

    def ours() -> None:
        CACHE.clear()
        embed(checkpoint, pictures, as_support=True)

    seconds = take_turns({"ours": ours, "bare": limit}, rounds, warm_up=1)
    over_limit = ratio(seconds["ours"], seconds["bare"])
    return Claim(
        f"{N_WAY} pictures of classes with one, with their augmented copies ({checkpoint.info.name}), "
        "against the bare backbone",
        f"{1000 * median(seconds['ours']) / len(pictures):.0f} ms a picture",
        f"{1000 * median(seconds['bare']) / len(pictures):.0f} ms a picture",
        str(over_limit),
        "at most 2",
        over_limit.median <= 2,
    )


def main() -> None:
    options = options_of(__doc__, ("--checkpoint", {"default": "photos"}))
    checkpoint = fsl.load(options.checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as temporary:
        known, new = Path(temporary, "known"), Path(temporary, "new")
        write_photos(known, N_WAY, N_SHOT)
        write_photos(new, N_WAY, (20 if options.quick else N_EMBEDDED) // N_WAY)
        support = SupportSet.from_folder(known)
        claims = (
            one_query(checkpoint, support, 5 if options.quick else 50),
            support_set(checkpoint, sorted(new.rglob("*.jpg"))),
            one_shot(checkpoint, support, 1 if options.quick else 5),
        )
    rows = [{"what": claim.what, "figure": claim.ours} for claim in claims]
    finish("photos_speed", claims, rows, options.quick, checkpoint=checkpoint.info.name)


if __name__ == "__main__":
    main()
