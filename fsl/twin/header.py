"""The JSON header of a checkpoint: architecture, calibration, error rates, and what it was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from fsl.base.errors import CheckpointError, SettingsError
from fsl.base.settings import check_choices, check_range, require
from fsl.config import ModelConfig, Rule
from fsl.data.intake.paths import display_text
from fsl.twin.pair_rates import PairRates

FORMAT = 1
Subject = Literal["thing", "person"]
NOTICES: dict[Subject, str] = {
    "thing": "",
    "person": "Faces: the network errs, and more often for people whom its training photos show rarely. Let "
    "it decide nothing about anyone, and ask people before you compare their pictures.",
}
"""The notice that everyone who uses a network is shown, by what the network tells apart."""
_TYPES: dict[str, type] = {
    **dict.fromkeys(("name", "title", "licence", "version"), str),
    **dict.fromkeys(("training", "metrics"), dict),
}
_TEMPERATURES = (1e-6, 1e6)
"""Lowest and highest value; outside them probabilities overflow or are all equal."""
_FORMER_SUPPORT_VIEWS = 5
_CLASS_LISTS = ("classes", "start_classes")
_HIDDEN = "sha256:"
_NAMING = ("data", "validation", "command", "group")
_OWN_PICTURES = "somebody's own pictures"


@dataclass(frozen=True)
class Calibration:
    """How similarities become probabilities, and when the answer is "unknown".

    Attributes:
        rule: the rule that the numbers below were fitted for.
        temperature: class scores (logits) are divided by this before the softmax over classes; positive.
        unknown_threshold: a query whose best class similarity is below this is "unknown"; in [0, 1].
        false_reject: share of known queries called unknown at that threshold, on the fitting data.
        false_accept: share of queries of unknown classes that are not called unknown there.
        accuracy: share of known queries answered correctly on the fitting data, in [0, 1].
        fitted_on: the data and episodes, in words.
        familiar: whether the network was trained on these classes, though on other images of them.
    """

    rule: Rule = "mean"
    temperature: float = 1.0
    unknown_threshold: float = 0.0
    false_reject: float | None = None
    false_accept: float | None = None
    accuracy: float | None = None
    fitted_on: str = ""
    familiar: bool = False

    def __post_init__(self) -> None:
        check_choices(self, "A calibration's ", rule=Rule)
        check_range("A calibration's temperature", self.temperature, *_TEMPERATURES)
        for name in ("unknown_threshold", "false_reject", "false_accept", "accuracy"):
            value = getattr(self, name)
            if value is not None:
                check_range(f"A calibration's {name}", value, 0, 1)


def seen_among(trained: Sequence[str], class_names: Sequence[str], data: str) -> list[str]:
    """Return the classes of a data set that a network was trained on.

    Args:
        trained: names of classes trained on, as a header lists them.
        class_names: classes to look up.
        data: name of the data set; it precedes class names if several sets were trained on together.
    """
    known = set(trained)
    hides = any(name.startswith(_HIDDEN) for name in known)
    return [
        name
        for name in class_names
        if name in known or f"{data}/{name}" in known or (hides and hidden_name(name) in known)
    ]


def hidden_name(name: str) -> str:
    """Return a digest of a class name, by which ``seen_among`` recognises it and nobody can read it."""
    return name if name.startswith(_HIDDEN) else _HIDDEN + hashlib.sha256(name.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CheckpointInfo:
    """The JSON header of a checkpoint.

    Attributes:
        name: short name, "fruits".
        model: architecture and input.
        title: what it is for, in a few words.
        calibrations: one per rule; empty if it was never calibrated.
        rule: the default rule: the one that did best on held-out classes.
        training: data, split, command, steps, seconds, seed; free-form JSON.
        metrics: what was measured, each with its command; free-form JSON.
        licence: notes on weights and data.
        version: of this project.
        pairs: error rates of "same or different?" on held-out classes; None if never measured.
        subject: what it tells apart; fine-tuning a network of people gives a network of people.
    """

    name: str
    model: ModelConfig
    title: str = ""
    calibrations: tuple[Calibration, ...] = ()
    rule: Rule = "mean"
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    version: str = ""
    pairs: PairRates | None = None
    subject: Subject = "thing"

    @property
    def notice(self) -> str:
        """Return the notice that everyone who uses it is shown, "" for none."""
        return NOTICES[self.subject]

    def without_names(self) -> CheckpointInfo:
        """Return a header that gives away no names of the classes and files it was trained on."""
        told = {key: value for key, value in self.training.items() if key not in _NAMING}
        for key in _CLASS_LISTS:
            if key in told:
                told[key] = [hidden_name(name) for name in told[key]]
        return replace(
            self,
            training={**told, "data": _OWN_PICTURES},
            calibrations=tuple(replace(one, fitted_on=_OWN_PICTURES) for one in self.calibrations),
            pairs=replace(self.pairs, fitted_on=_OWN_PICTURES) if self.pairs else None,
        )

    @property
    def classes_seen(self) -> tuple[str, ...]:
        """Return the classes that it, or the network it was fine-tuned from, was trained on."""
        return tuple(dict.fromkeys(name for key in _CLASS_LISTS for name in self.training.get(key, ())))

    @property
    def same_limit(self) -> float:
        """Return the similarity from which two images count as the same: as measured, or else 0.5."""
        return self.pairs.threshold if self.pairs else 0.5

    def calibration(self, rule: Rule) -> Calibration:
        """Return the calibration for ``rule``, or a neutral one (temperature 1, nothing unknown)."""
        return next((c for c in self.calibrations if c.rule == rule), Calibration(rule=rule))

    def trained_on(self, class_names: Sequence[str], data: str) -> list[str]:
        """Return the classes of a data set that it was trained on; arguments as for ``seen_among``."""
        return seen_among(self.classes_seen, class_names, data)

    def to_json(self) -> dict[str, Any]:
        """Return the header as JSON, with the format's version, the label convention and the notice."""
        told = {"label_convention": "0 = same class, 1 = different class", "notice": self.notice}
        return {"format": FORMAT, **told, **asdict(self)}

    @classmethod
    def from_json(cls, header: dict[str, Any], where: str) -> CheckpointInfo:
        """Read the header of the file ``where``.

        Raises:
            CheckpointError: it has another format version, or fields are missing or of the wrong type.
        """
        if header.get("format") != FORMAT:
            raise CheckpointError(
                f"{where} has checkpoint format {header.get('format')!r}; this version reads format "
                f"{FORMAT}. Update the project, or train the checkpoint again."
            )
        known = {k: v for k, v in header.items() if k in cls.__dataclass_fields__}
        try:
            _check_types(known)
            for name in ("name", "title", "licence"):
                if name in known:
                    known[name] = display_text(known[name])
            known["model"] = _read_model(known["model"])
            known["calibrations"] = tuple(Calibration(**c) for c in known.get("calibrations", ()))
            known["pairs"] = PairRates.from_json(known["pairs"]) if known.get("pairs") else None
            info = cls(**known)
            check_choices(info, rule=Rule, subject=Subject)
            return info
        except (KeyError, TypeError, ValueError, AttributeError, SettingsError) as error:
            raise CheckpointError(f"{where} has a damaged header ({error}). Get the file again.") from error


def _read_model(values: dict[str, Any]) -> ModelConfig:
    """Return the settings of a network; files of earlier versions ask for five copies of support pictures."""
    if values.get("support_views") == _FORMER_SUPPORT_VIEWS:
        values = values | {"support_views": 3}  # nearly as accurate, and faster (docs/photos.md)
    return ModelConfig.from_json(values)


def _check_types(header: dict[str, Any]) -> None:
    for name, kind in _TYPES.items():
        require(isinstance(header.get(name, kind()), kind), f"{name} is {header.get(name)!r}")
    for key in _CLASS_LISTS:
        classes = header.get("training", {}).get(key, [])
        is_list = isinstance(classes, list) and all(isinstance(one, str) for one in classes)
        require(is_list, f"{key} must be a list of names")
