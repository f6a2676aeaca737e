"""Compare scikit-learn's t-SNE with openTSNE, in time and trustworthiness, at 500 to 5,000 points.

    pip install -e .[bench]
    python -m bench tsne [--quick]

Both get the same distances, perplexity 30, the same PCA start and 1,000 iterations, and run strictly in turn
on one thread, as on the page. openTSNE uses Barnes-Hut trees at 500 points and interpolation above, as it
recommends. The distances are those of random embeddings: 20 classes, each spread along 4 directions.
"""

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from bench._measure import Claim, finish, median, options_of, ratio, take_turns
from fsl.base.types import Float32Array
from fsl.embedding.distances import euclidean_distances
from fsl.embedding.maps import MapConfig, make_map, principal_map
from fsl.embedding.quality import trustworthiness

ROUNDS = {500: 5, 2_000: 1, 5_000: 1}
N_CLASSES = 20
DIMENSION = 64
DIRECTIONS = 4


def main() -> None:
    options = options_of(__doc__)
    brief = MapConfig(iterations=250)
    measured(100, brief, 1)  # loads both libraries and compiles their code
    rows, claims = [], []
    for n, rounds in {100: 1}.items() if options.quick else ROUNDS.items():
        row, claim = measured(n, brief if options.quick else MapConfig(), rounds)
        rows.append(row)
        claims.append(claim)
    finish("tsne", claims, rows, options.quick)


def measured(n: int, config: MapConfig, rounds: int) -> tuple[dict[str, object], Claim]:
    """Measure both on n points."""
    distances = random_distances(n)
    maps: dict[str, Float32Array] = {}

    def ours() -> None:
        maps["scikit-learn"] = make_map(distances, config).points

    def other() -> None:
        maps["openTSNE"] = by_opentsne(distances, config)

    with threadpool_limits(1):
        seconds = take_turns({"scikit-learn": ours, "openTSNE": other}, rounds, warm_up=0)
    faithful = {name: trustworthiness(distances, points).value for name, points in maps.items()}
    found = ratio(seconds["scikit-learn"], seconds["openTSNE"])
    row: dict[str, object] = {"points": n}
    for name, values in seconds.items():
        row |= {f"{name}, s": round(median(values), 2), f"{name}, faithful": round(faithful[name] or 0.0, 3)}
    claim = Claim(
        f"t-SNE of {n:,} points: scikit-learn's, which makes the maps, against openTSNE",
        f"{median(seconds['scikit-learn']):.1f} s",
        f"{median(seconds['openTSNE']):.1f} s",
        str(found),
        "at most 1.2",
        found.median <= 1.2,
    )
    return row, claim


def random_distances(n: int) -> Float32Array:
    """Return distances ``(n, n)`` of random embeddings whose classes are spread along a few directions."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % N_CLASSES
    centres = rng.normal(size=(N_CLASSES, DIMENSION))[labels]
    along = rng.normal(size=(N_CLASSES, DIRECTIONS, DIMENSION))[labels]
    embeddings = centres + 0.5 * np.einsum("nk,nkd->nd", rng.normal(size=(n, DIRECTIONS)), along)
    embeddings += 0.1 * rng.normal(size=(n, DIMENSION))
    return euclidean_distances(torch.from_numpy(embeddings.astype(np.float32)))


def by_opentsne(distances: Float32Array, config: MapConfig) -> Float32Array:
    """Make a map by openTSNE with the settings of ``fsl.embedding.maps``."""
    import openTSNE

    affinities = openTSNE.affinity.PerplexityBasedNN(
        distances, perplexity=config.perplexity, metric="precomputed", n_jobs=1
    )
    start = openTSNE.initialization.rescale(principal_map(distances, 2).points.astype(np.float64))
    exaggerated = 250
    embedding = openTSNE.TSNEEmbedding(
        start,
        affinities,
        negative_gradient_method="bh" if len(distances) <= 500 else "fft",
        n_jobs=1,
        random_state=config.seed,
    )
    embedding = embedding.optimize(n_iter=exaggerated, exaggeration=12, momentum=0.5)
    embedding = embedding.optimize(n_iter=config.iterations - exaggerated, momentum=0.8)
    return np.asarray(embedding, dtype=np.float32)


if __name__ == "__main__":
    main()
