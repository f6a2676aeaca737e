"""Maps: a point in 2-D or 3-D for every image, so that similar images are close."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from fsl.base.errors import SettingsError
from fsl.base.settings import check_choices, check_ranges, require
from fsl.base.types import Float32Array, Float64Array
from fsl.embedding.labelled import MAX_IMAGES

MapMethod = Literal["tsne", "pca"]
MAP_METHODS: tuple[MapMethod, ...] = get_args(MapMethod)
FEWEST_FOR_TSNE = 11
# Spread of t-SNE's first coordinate at the start: so small that the start decides directions, but no more.
_START_SPREAD = 1e-4


@dataclass(frozen=True)
class MapConfig:
    """Settings of a map.

    Attributes:
        method: "tsne" keeps neighbours together; "pca" keeps the directions in which images differ most.
        dimensions: 2 or 3.
        perplexity: of t-SNE, about the number of neighbours that each image keeps close, 2 to 100; at most a
            third of the other images.
        iterations: of t-SNE, 250 to 5,000.
        seed: of t-SNE's start.

    Raises:
        SettingsError: a value is out of its range.
    """

    method: MapMethod = "tsne"
    dimensions: int = 2
    perplexity: float = 30.0
    iterations: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self, "the map's ", method=MapMethod)
        require(self.dimensions in (2, 3), f"A map has 2 or 3 dimensions, not {self.dimensions}.")
        check_ranges(self, "the map's ", perplexity=(2, 100), iterations=(250, 5000), seed=(0, 2**32 - 1))


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """A point for every image.

    Attributes:
        points: float32 ``(n, 2)`` or ``(n, 3)``, centred on 0; the unit means nothing.
        method: the method used.
        explained: share of the variance that each axis shows, in [0, 1]; empty for t-SNE.
        perplexity: the one used by t-SNE; 0 for PCA.
        note: a sentence if this is not the map requested; else "".
    """

    points: Float32Array
    method: MapMethod
    explained: tuple[float, ...] = ()
    perplexity: float = 0.0
    note: str = ""


def make_map(distances: Float32Array, config: MapConfig) -> EmbeddingMap:
    """Make a map from distances.

    t-SNE (van der Maaten and Hinton, 2008; scikit-learn's) starts from the PCA of the same distances, so
    that it is reproducible and distant groups keep their directions. For 10 images or fewer, PCA is used.

    Args:
        distances: ``(n, n)`` of :func:`fsl.embedding.distances.pair_distances`.

    Raises:
        SettingsError: there is no image, or more than ``MAX_IMAGES``.
    """
    n = len(distances)
    if not 1 <= n <= MAX_IMAGES:
        raise SettingsError(f"A map shows 1 to {MAX_IMAGES:,} images, not {n:,}.")
    start = principal_map(distances, config.dimensions)
    if not start.points.any():
        note = (
            "" if n == 1 else "This network sees no difference between these images: they lie on one point."
        )
        return replace(start, note=note)
    if config.method == "pca":
        return start
    if n < FEWEST_FOR_TSNE:
        note = (
            f"t-SNE needs at least {FEWEST_FOR_TSNE} images to tell groups from chance; {n} are shown by PCA."
        )
        return replace(start, note=note)
    return _tsne(distances, config, _start(start.points, config.seed), max_iter=config.iterations)


def next_map(before: EmbeddingMap | None, distances: Float32Array, config: MapConfig) -> EmbeddingMap:
    """Make the next frame of a moving map, as close to the previous one as possible.

    t-SNE continues from there in small steps, without early exaggeration, which would rearrange the map.
    Measured on two runs of 33 frames with 150 images: images move by 0.26 of the map's spread per frame,
    instead of 0.47 with a new map each time, at the same trustworthiness (0.994).

    Args:
        before: the previous frame's map; None for the first frame.
        distances: ``(n, n)``.
        config: the settings; ``iterations`` apply to the first frame.

    Raises:
        SettingsError: as :func:`make_map`, or the number of images changed.
    """
    if before is not None and len(before.points) != len(distances):
        raise SettingsError("The frames of a moving map must all be of the same images.")
    if before is None or not before.points.any():
        return make_map(distances, config)
    if config.method == "tsne" and before.method == "tsne" and distances.any():
        gentle = {"early_exaggeration": 1.0, "learning_rate": 10.0}
        made = _tsne(distances, config, before.points, max_iter=250, **gentle)
    else:
        made = make_map(distances, config)
    return replace(made, points=turned_onto(made.points, before.points))


def turned_onto(points: Float32Array, target: Float32Array) -> Float32Array:
    """Turn and mirror ``points`` (without stretching) to lie as close to ``target`` as possible.

    The orthogonal Procrustes problem (Schoenemann, 1966).

    Args:
        points: ``(n, d)``, centred.
        target: ``(n, d)``, centred.

    Returns:
        float32 ``(n, d)``.
    """
    left, _, right = np.linalg.svd(points.T.astype(np.float64) @ target.astype(np.float64))
    turn: Float64Array = left @ right
    return np.asarray(points @ turn, dtype=np.float32)


def principal_map(distances: Float32Array, dimensions: int) -> EmbeddingMap:
    """Make a PCA map from distances alone (classical scaling; Torgerson, 1952).

    For Euclidean distances the axes are the principal components of the embeddings. A learned distance need
    not fit into any space: some axes then have a negative variance, the total is smaller, and the explained
    shares are an upper bound (their sum is never above 1).

    Args:
        distances: ``(n, n)``.
        dimensions: number of axes; with too few images, the last ones are 0.
    """
    centred = distances.astype(np.float32) ** 2
    means = centred.mean(0, dtype=np.float64).astype(np.float32)
    centred -= means[:, None]
    centred -= means[None, :]
    centred += means.mean()
    centred *= -0.5
    values, vectors = _largest_axes(centred, min(dimensions, len(distances)))
    found = float(values.sum())
    total = max(float(np.trace(centred, dtype=np.float64)), found) or 1.0
    points = np.zeros((len(distances), dimensions), np.float32)
    points[:, : len(values)] = vectors * np.sqrt(values)
    shares = np.zeros(dimensions)
    shares[: len(values)] = values / total
    return EmbeddingMap(points - points.mean(0), "pca", tuple(shares.tolist()))


def _largest_axes(matrix: Float32Array, k: int) -> tuple[Float64Array, Float64Array]:
    """Return the k largest eigenvalues (0 if negative or noise) and vectors, largest entry positive."""
    n = len(matrix)
    if not matrix.any():  # no image differs from another, or so little that the squares are 0
        return np.zeros(k), np.zeros((n, k))
    if n <= 200:  # without scipy, whose import would delay the first answer
        values, vectors = (found[..., n - k :] for found in np.linalg.eigh(matrix.astype(np.float64)))
    else:
        from scipy.sparse.linalg import eigsh

        start = np.ones(n, np.float32) + np.arange(n) % 7
        if not (matrix @ start).any():  # ARPACK refuses it; the matrix maps none of its own columns to 0
            start = matrix[np.abs(matrix).max(1).argmax()]
        values, vectors = eigsh(matrix, k=k, which="LA", v0=start, tol=1e-5)
    order = np.argsort(values)[::-1]
    values, vectors = values[order].astype(np.float64), vectors[:, order].astype(np.float64)
    # The sign of an axis is arbitrary; fixing it makes the same images give the same map everywhere.
    vectors *= np.where(vectors[np.abs(vectors).argmax(0), np.arange(k)] < 0, -1.0, 1.0)
    noise = 1e-6 * max(float(values[0]), 0.0)
    return np.where(values > noise, values, 0.0), vectors


def _tsne(distances: Float32Array, config: MapConfig, start: Float32Array, **settings: float) -> EmbeddingMap:
    """Run scikit-learn's t-SNE.

    openTSNE 1.0.4 is as trustworthy, but takes two to four times as long at 2,000 and 5,000 points; it is
    slightly faster at 500 points (``python -m bench tsne``).
    """
    from sklearn.manifold import TSNE

    perplexity = min(config.perplexity, (len(distances) - 1) / 3)
    tsne = TSNE(
        n_components=config.dimensions,
        perplexity=perplexity,
        random_state=config.seed,
        metric="precomputed",
        init=start,
        **settings,
    )
    points = tsne.fit_transform(distances)
    points -= points.mean(0)
    return EmbeddingMap(points.astype(np.float32), "tsne", perplexity=perplexity)


def _start(points: Float32Array, seed: int) -> Float32Array:
    """Scale a map down to start t-SNE, with a little noise so that equal points can separate."""
    spread = float(points[:, 0].std()) or 1.0
    noise = np.random.default_rng(seed).normal(0, 1e-2, points.shape)
    return ((points / spread + noise) * _START_SPREAD).astype(np.float32)
