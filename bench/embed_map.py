"""Measure how long a map of 500 photos takes, from files to points.

    python -m bench embed_map [--data FOLDER|ZIP|NAME] [--checkpoint NAME] [--quick]

This project reads, decodes and embeds the files, computes the network's own distances and makes the map, like
the command ``embed``. It is compared with the bare backbone's forward pass on a prepared tensor, plus
scikit-learn's t-SNE with its own settings (PCA start, 1,000 iterations) on the embeddings. Both run in one
process, strictly in turn. The photos are those of Fruits-360 if it is in ``FSL_DATA_DIR``, else photos made
from drawn fruit.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.manifold import TSNE

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from bench._photos import write_photos
from fsl.data.catalogue import open_source, path_source
from fsl.data.imageset import ImageSet
from fsl.data.named import named_sources
from fsl.data.query import ImageQuery
from fsl.embedding.distances import pair_distances
from fsl.embedding.maps import MapConfig, make_map
from fsl.embedding.sample import spread_sample
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import batch_size, embed_images
from fsl.twin.preprocess import normalise, to_unit

N_IMAGES = 500
GOAL = 1.2


def main() -> None:
    options = options_of(
        __doc__,
        ("--data", {"default": "", "help": "a folder or zip with a folder per class, or a named data set"}),
        ("--checkpoint", {"default": "fruits", "help": "default: %(default)s"}),
    )
    checkpoint = fsl.load(options.checkpoint, "cpu")
    n, rounds = (60, 1) if options.quick else (N_IMAGES, 7)
    with tempfile.TemporaryDirectory() as temporary:
        photos, words = Path(temporary) / "photos", "photos of drawn fruit"
        source = options.data or ("fruits360" if "fruits360" in named_sources() else "")
        if source:
            words = copy_some(source, n, photos)
        else:
            write_photos(photos, 10, -(-n // 10))
        measure(checkpoint, photos, words, rounds, options.quick)


def copy_some(source: str, n: int, folder: Path) -> str:
    """Copy n files of a data set, spread over all classes, and return a description of them."""
    listing = open_source(source).listing()
    rows = spread_sample([entry.class_name for entry in listing.entries], n)
    for row in rows:
        entry = listing.entries[row]
        place = folder / (entry.class_name or "photos") / f"{row}-{Path(entry.name).name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(entry.read())
    return f"photos of {source}"


def measure(checkpoint: Checkpoint, photos: Path, words: str, rounds: int, quick: bool) -> None:
    """Measure both in turn; print and write the result."""
    images = read(checkpoint, photos)
    embeddings = embed_images(checkpoint.twin, images.images)
    ready = normalise(to_unit(images.images, torch.device("cpu")), checkpoint.info.model)
    step = batch_size(checkpoint.twin)

    def ours() -> None:
        own = embed_images(checkpoint.twin, read(checkpoint, photos).images)
        make_map(pair_distances(checkpoint.twin, own, "learned"), MapConfig())

    @torch.inference_mode()
    def forward() -> None:
        for start in range(0, len(ready), step):
            checkpoint.twin.embed(ready[start : start + step])

    def tsne() -> None:
        TSNE(random_state=0).fit_transform(embeddings.numpy())

    contestants: dict[str, Callable[[], None]] = {
        "files to map": ours,
        "bare forward pass": forward,
        "scikit-learn's t-SNE": tsne,
    }
    parts = take_turns(contestants, rounds, warm_up=0 if quick else 1)
    both = np.array(parts["bare forward pass"]) + np.array(parts["scikit-learn's t-SNE"])
    found = ratio(parts["files to map"], both.tolist())
    say(f"{len(images)} {words}: {found}")
    claim = Claim(
        f"A map of {len(images)} {words}, from files to places ({checkpoint.info.name}), against the bare "
        "forward pass plus scikit-learn's t-SNE",
        f"{median(parts['files to map']):.2f} s",
        f"{median(both.tolist()):.2f} s",
        str(found),
        f"at most {GOAL}",
        found.median <= GOAL,
    )
    rows = [
        {"what": name, "seconds": median(values), "fastest": min(values), "slowest": max(values)}
        for name, values in parts.items()
    ]
    finish("embed_map", [claim], rows, quick, n_images=len(images), rounds=rounds, seconds=parts)


def read(checkpoint: Checkpoint, photos: Path) -> ImageSet:
    """Read the photos at the network's input size."""
    model = checkpoint.info.model
    return path_source(photos).load(ImageQuery(model.image_size, model.fit))[0]
