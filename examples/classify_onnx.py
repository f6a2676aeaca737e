"""Classify pictures with an exported network: numpy, Pillow and onnxruntime, nothing of this project.

python -m fsl export --checkpoint photos --out photos.onnx
python examples/classify_onnx.py photos.onnx FOLDER_OF_CLASS_FOLDERS QUERY...
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
CENTRE_PRIOR = 5


def square(path, size, fit):
    """A picture as float32 (3, size, size) in [0, 1]."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if fit == "crop":
        image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    elif fit == "pad":
        image = ImageOps.pad(image, (size, size), Image.Resampling.BILINEAR, color="white")
    else:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def unit(vectors):
    """Each scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def logits(head, a, b):
    """Every pair of (n1, D) and (n2, D): higher = more different."""
    if head["kind"] == "cosine":
        a, b = unit(a), unit(b)
    difference = np.abs(a[:, None] - b[None])
    if head["kind"] == "cosine":
        difference = difference**2
    return difference @ np.array(head["weight"], np.float32) + head["bias"]


def main(network, classes, *queries):
    """Print a line per query: its name, the most similar class, the probability."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["few_shot_lab"])

    def embed(paths):
        pictures = (square(path, about["image_size"], about["fit"]) for path in paths)
        return np.concatenate([session.run(None, {"images": picture[None]})[0] for picture in pictures])

    folders = {
        folder.name: sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
        for folder in sorted(Path(classes).iterdir())
        if folder.is_dir()
    }
    support = [embed(paths) for paths in folders.values()]
    query = embed(queries)
    if about["centre_on_support"]:
        together = np.concatenate(support)
        middle = together.sum(0) / (len(together) + CENTRE_PRIOR)
        support, query = [unit(one - middle) for one in support], unit(query - middle)
    scores = -logits(about["head"], query, np.stack([one.mean(0) for one in support]))
    softmax = np.exp((scores - scores.max(1, keepdims=True)) / about["temperature"])
    softmax /= softmax.sum(1, keepdims=True)
    for path, row, probability in zip(queries, scores, softmax, strict=True):
        unknown = 1 / (1 + np.exp(-row.max())) < about["unknown_threshold"]
        answer = list(folders)[row.argmax()]
        print(f"{path}\t{'unknown, nearest ' if unknown else ''}{answer}\t{probability.max():.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
