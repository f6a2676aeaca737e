"""Settings and headers that refuse impossible values, and their conversion to and from JSON."""

from __future__ import annotations

from dataclasses import asdict, fields
from math import inf, isfinite
from numbers import Real
from typing import Any, Self, get_args

from fsl.base.errors import SettingsError


def require(condition: bool, message: str) -> None:
    """Raise a ``SettingsError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise SettingsError(message)


def check_range(name: str, value: object, low: float = -inf, high: float = inf) -> None:
    """Check that ``value`` is a finite number from ``low`` to ``high``.

    Args:
        name: of the value, for the message.

    Raises:
        SettingsError: it is not; the message names value and range.
    """
    if not isinstance(value, Real) or not isfinite(value) or not low <= float(value) <= high:
        shown = value if isinstance(value, Real) else repr(value)
        raise SettingsError(f"{name} is {shown}; it must be {_limits(low, high)}.")


def check_ranges(settings: object, owner: str = "", **limits: tuple[float, float]) -> None:
    """Check attributes of ``settings`` with :func:`check_range`.

    Args:
        owner: put before the names in messages ("A calibration's ").
        limits: (lowest, highest) by attribute name.
    """
    for name, (low, high) in limits.items():
        check_range(f"{owner}{name}", getattr(settings, name), low, high)


def check_choices(settings: object, owner: str = "", **kinds: object) -> None:
    """Check that attributes of ``settings`` are values of their ``Literal`` types.

    Args:
        owner: put before the names in messages.
        kinds: a ``Literal`` type by attribute name.

    Raises:
        SettingsError: one is not; the message lists the choices.
    """
    for name, kind in kinds.items():
        value, choices = getattr(settings, name), get_args(kind)
        require(value in choices, f"{owner}{name} is {value!r}; choose one of {', '.join(choices)}.")


def _limits(low: float, high: float) -> str:
    first, last = (f"{limit:g}".replace("e-0", "e-") for limit in (low, high))
    if low == -inf:
        return "a number"
    return f"{first} or more" if high == inf else f"{first} to {last}"


class Settings:
    """Base of the frozen dataclasses that hold settings: conversion to and from JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON-ready values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build the settings from JSON values; fields that are absent keep their defaults.

        Raises:
            SettingsError: a name is unknown or a value out of range.
        """
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        require(not unknown, f"Unknown {cls.__name__} setting: {', '.join(unknown)}.")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
