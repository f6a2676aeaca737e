"""Which pictures to load, and which to train and test on."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

from fsl.base.settings import Settings, check_choices, check_ranges, require
from fsl.config import Fit

HoldOutOf = Literal["classes", "images"]


@dataclass(frozen=True)
class ImageQuery:
    """Which images of a source to load, and in which form.

    Attributes:
        size: side of the square images in pixels, 1 or more.
        fit: how a picture that is not square becomes one.
        part: one part of a data set that is split ("train", "test", ...); "" for everything.
        classes: the classes to load, in the order of their labels, or folders of classes ("Greek" for every
            "Greek/..."); empty for all classes, sorted naturally.
        without: leave out every class whose name contains one of these texts.
        centre: crop the centre of each picture to this share of its sides, 0.1 to 1; 0.5 suits photographs
            with a wide margin around their subject.
        per_class: largest number of images of each class, evenly spaced over its files; 0 for all.
        share: ``(i, n)`` loads part i of n, for n processes that load one part each. A part has all
            classes, and possibly no image.
        most_bytes: largest size of the pixels in memory; 0 for no limit.

    Raises:
        SettingsError: a value is out of range.
    """

    size: int
    fit: Fit = "crop"
    part: str = ""
    classes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    centre: float = 1.0
    per_class: int = 0
    share: tuple[int, int] = (0, 1)
    most_bytes: int = 0

    def __post_init__(self) -> None:
        require(self.size >= 1, f"The image size must be at least 1 pixel, not {self.size}.")
        check_choices(self, fit=Fit)
        check_ranges(self, centre=(0.1, 1), per_class=(0, inf))
        index, n_shares = self.share
        require(0 <= index < n_shares, f"share is {self.share}; give (index, number of shares).")


@dataclass(frozen=True)
class DataSpec(Settings):
    """Where the training and validation images come from.

    Attributes:
        data: "rendered", "digits", a named data set, a folder or a zip; "" for the recipe's own.
        part: load only this part of a data set that is split.
        classes: a JSON list of classes, or a split file and the name of a list in it; "" for all.
        validation: classes to test on, named in the same way; "" to hold some out.
        hold_out: share to hold out, 0 to below 1.
        hold_out_of: "classes", so that tests ask about classes never trained on; or "images" of each class,
            if the classes are few and are the ones to tell apart.
        held_out: classes, or folders of classes, to hold out instead of a share.
        recipe: use this recipe's sources; ``data`` is then another copy of its main data set.
    """

    data: str = ""
    part: str = ""
    classes: str = ""
    validation: str = ""
    hold_out: float = 0.2
    hold_out_of: HoldOutOf = "classes"
    held_out: tuple[str, ...] = ()
    recipe: str = ""

    def __post_init__(self) -> None:
        require(bool(self.data or self.recipe), "No data is named.")
        require(0 <= self.hold_out < 1, f"hold_out is {self.hold_out}; it must be 0 to below 1.")
        check_choices(self, hold_out_of=HoldOutOf)
