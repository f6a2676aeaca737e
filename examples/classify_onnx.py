"""Classify pictures with an exported network, using numpy, Pillow and onnxruntime but not this project.

fsl export --checkpoint photos --out photos.onnx
python examples/classify_onnx.py photos.onnx FOLDER_OF_CLASS_FOLDERS QUERY...
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
LONGEST_SIDE = 1024  # the program shrinks larger pictures to this when it reads them


def resized(image, size):
    """Resize as the program does, so that the network sees pixels like those it was calibrated on."""
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def square(path, size, fit):
    """Load a picture as the network sees it, size x size."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if fit == "crop":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    elif fit == "pad":
        scale = size / max(image.size)
        inner = resized(image, [max(1, round(length * scale)) for length in image.size])
        image = Image.new("RGB", (size, size), "white")
        image.paste(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
    return resized(image, (size, size))


def variants(image, n_views, share):
    """Return the first n_views of: the picture, its middle enlarged and mirrored, the picture transposed."""
    side, kept = image.width, max(1, round(share * image.width))
    edge = (side - kept) // 2
    middle = ImageOps.mirror(image.crop((edge, edge, edge + kept, edge + kept)))
    return [image, resized(middle, image.size), image.transpose(Image.Transpose.TRANSPOSE)][:n_views]


def unit(vectors):
    """Scale each vector to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def logits(head, a, b):
    """Return the logit (n1, n2) of every pair of (n1, D) and (n2, D); higher = more different."""
    if head["kind"] == "cosine":
        a, b = unit(a), unit(b)
    difference = np.abs(a[:, None] - b[None])
    if head["kind"] == "cosine":
        difference = difference**2
    return difference @ np.array(head["weight"], np.float32) + head["bias"]


def class_scores(about, query, support):
    """Return scores (n_query, n_classes) by the network's rule; higher = more similar."""
    if about["rule"] == "prototype":
        return -logits(about["head"], query, np.stack([one.mean(0) for one in support]))
    combine = np.mean if about["rule"] == "mean" else np.min
    return -np.stack([combine(logits(about["head"], query, one), axis=1) for one in support], axis=1)


def main(network, classes, *queries):
    """Print a line per query: its name, the most similar class, and the probability."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["few_shot_lab"])

    def embedding(views):
        images = np.stack([np.asarray(view, np.float32).transpose(2, 0, 1) / 255 for view in views])
        found = session.run(None, {"images": images})[0]
        if len(views) == 1:
            return found[0]
        found = unit(found)
        weights = np.maximum(found @ found[0], 0) ** about["turn_power"]
        weights[:2] = 1  # the variants that are not turned
        return unit(weights @ found)

    def embed(paths, n_views=1):
        pictures = (square(path, about["image_size"], about["fit"]) for path in paths)
        return np.stack([embedding(variants(picture, n_views, about["middle"])) for picture in pictures])

    def n_views(paths):
        return about["support_views"] if len(paths) <= about["few_shots"] else 1

    folders = {
        folder.name: sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
        for folder in sorted(Path(classes).iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    }
    folders = {name: paths for name, paths in folders.items() if paths}
    support = [embed(paths, n_views(paths)) for paths in folders.values()]
    query = embed(queries)
    if about["centre_on_support"]:
        together = np.concatenate(support)
        middle = together.sum(0) / (len(together) + about["centre_prior"])
        support, query = [unit(one - middle) for one in support], unit(query - middle)
    if about["damp_on_support"]:
        # Directions in which the pictures of one class differ. Of more than 512 pictures fsl takes some.
        deviations = np.concatenate([one - one.mean(0) for one in support])
        _, lengths, directions = np.linalg.svd(deviations, full_matrices=False)
        weight = about["within_weight"] / (len(deviations) - len(support) + about["within_prior"])
        shares = 1 - 1 / np.sqrt(1 + weight * lengths**2)
        support = [unit(one - one @ directions.T * shares @ directions) for one in support]
        query = unit(query - query @ directions.T * shares @ directions)
    scores = class_scores(about, query, support)
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
