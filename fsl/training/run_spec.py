"""The description of a training run, as its files have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fsl.config import TrainConfig
from fsl.data.query import DataSpec


@dataclass(frozen=True)
class RunSpec:
    """The description of a training run: its settings, its images, and the facts that its files record.

    A value of None is unknown and is not written.

    Attributes:
        config: all training settings.
        source: where to reload the images from when the run is resumed.
        has_stored_images: whether the images are stored in the run folder instead.
        start: name of the network that training started from; "" for random weights.
        subject: what the network tells apart, "person" or "thing".
        licence: terms of the network.
        start_classes: classes that the network to start from had learned.
        title: what the network is called on screens.
        recipe: name of the recipe; "" for none.
        data: name of the training images, for people.
        validation: name of the validation images, for people.
        classes: classes to learn.
        command: the command line that began the run.
        name: name of the run, for people.
        group: runs that are compared with each other share it.
    """

    config: TrainConfig
    source: DataSpec | None = None
    has_stored_images: bool = False
    start: str | None = None
    subject: str | None = None
    licence: str | None = None
    start_classes: tuple[str, ...] | None = None
    title: str | None = None
    recipe: str | None = None
    data: str | None = None
    validation: str | None = None
    classes: tuple[str, ...] | None = None
    command: str | None = None
    name: str | None = None
    group: str | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What is known about the run, as ``config.json`` and the checkpoint's header have it."""
        known = {name: value for name in _ABOUT if (value := getattr(self, name)) is not None}
        as_json = {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}
        return {**as_json, "seed": self.config.seed}

    @classmethod
    def of(cls, config: TrainConfig, about: Mapping[str, Any]) -> RunSpec:
        """Return the spec that ``about`` describes, leaving out everything that is unknown or damaged."""
        lists = ("start_classes", "classes")
        known: dict[str, Any] = {
            name: value for name in _ABOUT if name not in lists and isinstance(value := about.get(name), str)
        }
        for name in lists:
            if isinstance(value := about.get(name), list | tuple):
                known[name] = tuple(map(str, value))
        return cls(config, **known)


_ABOUT = tuple(f.name for f in fields(RunSpec) if f.name not in ("config", "source", "has_stored_images"))
