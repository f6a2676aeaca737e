"""Keep what the frozen layers make of each image, so that a run computes it once and not in every batch.

Each training image is embedded a few times: as it is, mirrored if the settings mirror images, and in some
randomly changed views, the same ones whenever the run is resumed. They are computed when a batch first needs
them, so training begins at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import IntArray, PixelArray
from fsl.config import AugmentConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.augment import augment
from fsl.training.events import Pause
from fsl.twin.device import autocast
from fsl.twin.engine.choose import session_of_backbone
from fsl.twin.engine.session import Session
from fsl.twin.inference import batch_size, device_of
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_unit
from fsl.twin.split import SplitNetwork, split_at_trainable

_MOST_BYTES = 2**30  # of all views
_MIRRORED = 1  # number of the view that only mirrors
# Images in each pass of torch, filled up with copies. The last digits of features depend on how many images
# pass together, and which views are missing depends on whether the run was resumed.
_PASS, _PASS_ON_GPU = 4, 16
_View = tuple[int, int]  # number of the view, row of the image


class FrozenFeatures:
    """The features of a run's images at the end of the frozen layers, computed on demand and kept.

    Args:
        config: settings of the run: seed, views and random changes.
        bf16: whether the frozen layers see training images in bf16; may be changed before the first view.
    """

    def __init__(self, split: SplitNetwork, config: TrainConfig, bf16: bool) -> None:
        self.split, self.bf16 = split, bf16
        self._config = config
        self._views: dict[_View, Tensor] = {}
        self._tested: dict[bytes, Tensor] = {}

    def fits(self, n_images: int) -> bool:
        """Return whether the views of ``n_images`` training images fit in memory."""
        twin = self.split.twin
        side = twin.config.image_size
        one = self.split.features(torch.zeros(1, 3, side, side, device=device_of(twin)))
        return one.nbytes * n_images * self._config.cached_views <= _MOST_BYTES

    @property
    def views_each(self) -> int:
        """Number of views of each training image."""
        return self._config.cached_views

    @property
    def n_views(self) -> int:
        """Number of views computed so far."""
        return len(self._views)

    def share_done(self, n_images: int) -> float:
        """Return the share of all views of ``n_images`` training images that is computed, 0 to 1."""
        return len(self._views) / max(1, n_images * self._config.cached_views)

    def compute(self, data: ImageSet, rows: IntArray, views: IntArray) -> Generator[Pause, None, bool]:
        """Compute the views that are missing, yielding a Pause after every few; return True at the end.

        Args:
            rows: int64 ``(B,)``, rows of ``data``.
            views: int64 ``(B,)``, the view of each.
        """
        missing = sorted(set(zip(views.tolist(), rows.tolist(), strict=True)) - self._views.keys())
        step = batch_size(self.split.twin)
        for start in range(0, len(missing), step):
            some = missing[start : start + step]
            found = self._pass_frozen(self._pixels(data, some), self.bf16)
            self._views.update(zip(some, found.unbind(), strict=True))
            yield Pause.EMBEDDING
        return True

    def embed(self, rows: IntArray, views: IntArray) -> Tensor:
        """Return the embeddings ``(B, D)`` of computed views, with gradients; arguments as ``compute``."""
        return self.split.embed(self._computed(rows, views))

    @torch.no_grad()
    def whiten(self, rows: IntArray, views: IntArray) -> Tensor:
        """Return the whitened embeddings ``(B, D)`` of computed views; arguments as ``compute``."""
        return self._whitened(self._computed(rows, views))

    @torch.inference_mode()
    def embed_tested(self, images: PixelArray) -> Tensor:
        """Return embeddings of images of a test, float32 ``(N, D)`` on the CPU; each content passes once.

        Args:
            images: uint8 ``(N, S, S, 3)``; the network is in evaluation mode.
        """
        return self.split.embed(self._tested_features(images)).cpu()

    @torch.inference_mode()
    def whiten_tested(self, images: PixelArray) -> Tensor:
        """Return whitened embeddings, from before the adapter; arguments and result as ``embed_tested``."""
        return self._whitened(self._tested_features(images)).cpu()

    def _computed(self, rows: IntArray, views: IntArray) -> Tensor:
        return torch.stack([self._views[key] for key in zip(views.tolist(), rows.tolist(), strict=True)])

    def _whitened(self, features: Tensor) -> Tensor:
        return self.split.twin.whitening(self.split.rest(features).float())  # type: ignore[no-any-return]

    def _tested_features(self, images: PixelArray) -> Tensor:
        keys = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        missing = [i for i, key in enumerate(keys) if key not in self._tested]
        step = batch_size(self.split.twin)
        for start in range(0, len(missing), step):
            some = missing[start : start + step]
            found = self._pass_frozen(images[some])
            self._tested.update(zip((keys[i] for i in some), found.unbind(), strict=True))
        return torch.stack([self._tested[key] for key in keys])

    @torch.no_grad()
    def _pass_frozen(self, images: PixelArray, bf16: bool = False) -> Tensor:
        """Return what the frozen layers make of images, by the engine of frozen networks if it can."""
        device, session = device_of(self.split.twin), self._session()
        if session is not None:
            return torch.cat(list(session.embed(images)))
        n = _PASS if device.type == "cpu" else _PASS_ON_GPU
        found = []
        for start in range(0, len(images), n):
            some = images[start : start + n]
            filled = to_unit(some[np.arange(n) % len(some)], device)
            with autocast(device, bf16):
                found.append(self.split.features(normalise(filled, self.split.twin.config))[: len(some)])
        return torch.cat(found)

    def _session(self) -> Session | None:
        """Return the session of the backbone, if all of it is frozen; None for torch."""
        if not self.split.is_backbone_frozen:
            return None
        self.split.frozen.eval()
        return session_of_backbone(self.split.twin)

    def _pixels(self, data: ImageSet, wanted: Sequence[_View]) -> PixelArray:
        """Return views of images as uint8 ``(n, S, S, 3)``; view 0 is the image itself."""
        found = data.images[[row for _, row in wanted]]
        for number in {view for view, _ in wanted} - {0}:
            chosen = [i for i, (view, _) in enumerate(wanted) if view == number]
            rows = torch.tensor([wanted[i][1] for i in chosen])
            if number == _MIRRORED and self._config.augment.mirror:
                found[chosen] = found[chosen][:, :, ::-1]
                continue
            changed = augment(
                to_unit(found[chosen]), self._config.augment, self._generator(number), len(data), rows
            )
            found[chosen] = changed.mul(255).round_().byte().permute(0, 2, 3, 1).numpy()
        return found

    def _generator(self, view: int) -> torch.Generator:
        # Every view draws its changes for all images, so they do not depend on the order of the batches.
        seed = np.random.SeedSequence([self._config.seed, view]).generate_state(1)
        return torch.Generator().manual_seed(int(seed[0]))


def frozen_features(twin: TwinNetwork, config: TrainConfig, bf16: bool) -> FrozenFeatures | None:
    """Return the store of a run's features.

    Returns:
        None if the settings ask for none, if they turn some classes into others within each batch, or if the
        network cannot be split.
    """
    if not config.cached_views or _makes_new_classes(config.augment):
        return None
    split = split_at_trainable(twin)
    return None if split is None else FrozenFeatures(split, config, bf16)


def _makes_new_classes(config: AugmentConfig) -> bool:
    return bool(config.recolour or config.turn)
