"""Tell the class of an image from its path.

Three layouts are understood: a folder per class (inside one outer folder or not), folders in folders
(Omniglot's ``<Alphabet>/characterNN``), and data sets that are split into parts: ``train/<class>`` and
``test/<class>`` in any usual spelling and below any folders, or ``<class>/train`` and ``<class>/test``.
A folder called "images" inside each class folder does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from fsl.base.errors import DataError
from fsl.base.text import listed
from fsl.data.intake.parts import are_folds, part_kinds

_MOST_NUMBERS = 20
_NUMBER = re.compile(r"([0-9]+)")

_OF_IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures", "photos"})
_MOST_BESIDE = 0.1  # share of pictures outside of the folder with the parts
_MOST_PARTS = 5

Folders = dict[str, tuple[str, ...]]
"""From the path of an image to the folders around it, outermost first."""


@dataclass(frozen=True)
class Layout:
    """How the folders of a data set are understood.

    Attributes:
        classes: from the path of each image to its class; None for an image in no class folder. Images
            outside the parts, or outside the one that was asked for, are missing.
        parts: names of the folders that split the data set, in the order of their use; the one that was
            asked for, or all; empty for a data set that is not split.
        same_inside: names of folders that hold folders of the same names, and whose own names do not say
            that they are parts.
    """

    classes: dict[str, str | None]
    parts: tuple[str, ...] = ()
    same_inside: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Split:
    """Where the folders are that split a data set.

    Attributes:
        level: number of outer folders that hold everything.
        column: position of the parts among the folders of each image, at least ``level``.
        parts: names of the parts.
        within: everything outside these outer folders is left out.
    """

    level: int
    column: int
    parts: frozenset[str]
    within: tuple[str, ...] = ()


def natural_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a sort key that puts "s2" before "s10" and ignores case; after 20 numbers all is text."""
    pieces = _NUMBER.split(text, maxsplit=_MOST_NUMBERS)
    # The text itself decides between equals ("1" and "01", "a" and "A").
    return tuple(map(_rank, filter(None, pieces))), text


@lru_cache(maxsize=2**14)  # the names of a large data set consist of few pieces
def _rank(piece: str) -> tuple[int, int, str]:
    """Rank numbers before words, and numbers by their digits, because ``int`` refuses very long ones."""
    if piece[0] in "0123456789":
        digits = piece.lstrip("0")
        return 0, len(digits), digits
    return 1, 0, piece.casefold()


def layout_of_paths(paths: Iterable[str], part: str = "") -> Layout:
    """Return the class of each image.

    A class is the path of the folder that the image lies in. It leaves out an outer folder that holds
    everything, if there are class folders inside: ``apple/1.jpg`` alone makes the class "apple". In a data
    set that is split, it leaves out the parts, too, and all folders around them: so a class has the pictures
    of all parts. A class that is merely called "train" stays one.

    Args:
        paths: distinct relative paths with ``/`` between the parts.
        part: use only this part: the name of its folder in any case, or another word for the same ("val" for
            "Validation"); "" for everything.

    Raises:
        DataError: ``part`` is given and there is no such part.
    """
    shared: dict[str, tuple[str, ...]] = {}
    folders: Folders = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in shared:
            shared[folder] = tuple(path.split("/")[:-1])
        folders[path] = shared[folder]
    split = _find_split(folders)
    chosen = _pick_part(part, split, folders) if part else None
    if split is None:
        inner = _without_common_top(folders)
        return Layout(_joined(_without_image_folders(inner)), same_inside=_same_inside(inner))
    chosen = chosen or split.parts
    part_of = {
        path: parents[split.column]
        for path, parents in folders.items()
        if len(parents) > split.column
        and parents[split.column] in chosen
        and parents[: len(split.within)] == split.within
    }
    classes = _joined(_without_parts({path: folders[path] for path in part_of}, split))
    return Layout(_one_spelling(classes, part_of), _in_order(chosen))


def class_of_paths(paths: Iterable[str]) -> dict[str, str | None]:
    """Return the classes alone; see :func:`layout_of_paths`."""
    return layout_of_paths(paths).classes


def _joined(folders: Folders) -> dict[str, str | None]:
    names = {parents: "/".join(parents) or None for parents in set(folders.values())}
    return {path: names[parents] for path, parents in folders.items()}


def _find_split(folders: Folders, looks_inside: bool = True) -> _Split | None:
    """Return where a data set is split into parts, or None if it is not.

    Args:
        folders: of each image.
        looks_inside: whether the parts may be inside of one folder, beside which there are a few pictures.
    """
    level, lone_part = 0, None
    names = _names_at(folders, level)
    while len(names) == 1:
        if part_kinds(names):
            lone_part = _Split(level, level, frozenset(names))
        level += 1
        names = _names_at(folders, level)
    split = _split_of_siblings(folders, level, names) or _split_of_classes(folders, level)
    if split is None and lone_part is not None:
        has_classes = any(len(parents) > lone_part.column + 1 for parents in folders.values())
        return lone_part if has_classes else None
    split = split or _split_of_folds(folders, level)
    return split or (_split_in_one(folders, level) if looks_inside else None)


def _names_at(folders: Folders, level: int) -> set[str]:
    return {parents[level] for parents in folders.values() if len(parents) > level}


def _split_of_siblings(folders: Folders, level: int, names: set[str]) -> _Split | None:
    """Return the parts among folders that lie beside one another: ``train/<class>``, ``test/<class>``.

    Other folders beside them are parts, too, if they hold the same classes, and are left out if not.
    """
    kinds = part_kinds(names)
    inside: dict[str, set[str]] = {name: set() for name in names}
    for parents in folders.values():
        if len(parents) > level + 1:
            inside[parents[level]].add(parents[level + 1])
    others = names - set(kinds)
    if not any(inside[name] for name in kinds):
        return None
    if not others:  # also several of one kind: "train", "train2"
        return _Split(level, level, frozenset(names)) if len(names) > 1 else None
    if len(set(kinds.values())) < 2:
        return None
    by_kind = [
        set().union(*(inside[name] for name in kinds if kinds[name] == kind)) for kind in set(kinds.values())
    ]
    largest, *_ = sorted(by_kind, key=len, reverse=True)
    alike = [classes for classes in by_kind if 2 * len(classes & largest) >= len(classes) > 0]
    if len(alike) < 2:
        return None
    alike_too = {name for name in others if 2 * len(inside[name] & largest) >= len(inside[name]) > 0}
    return _Split(level, level, frozenset({*kinds, *alike_too}))


def _split_of_classes(folders: Folders, level: int) -> _Split | None:
    """Return the parts inside each class, or inside each of several data sets: ``<class>/train``."""
    shallowest = min((len(parents) for parents in folders.values()), default=0)
    for column in range(level + 1, shallowest):
        names = {parents[column] for parents in folders.values()}
        kinds = part_kinds(names)
        if len(kinds) < len(names):
            continue
        found: dict[tuple[str, ...], set[str]] = {}
        for parents in folders.values():
            found.setdefault(parents[:column], set()).add(kinds[parents[column]])
        if 2 * sum(len(some) > 1 for some in found.values()) >= len(found):
            return _Split(level, column, frozenset(names))
    return None


def _split_of_folds(folders: Folders, level: int) -> _Split | None:
    """Return the folds around the classes, or inside of them, if they have the same classes."""
    for column in (level, level + 1):
        names = _names_at(folders, column)
        if len(names) < 2 or not are_folds(names):
            continue
        inside: dict[str, set[str]] = {}
        for parents in folders.values():
            rest = "/".join(parents[level:column] + parents[column + 1 :])
            inside.setdefault("".join(parents[column : column + 1]), set()).add(rest.casefold())
        largest = max(inside.values(), key=len)
        is_alike = all(2 * len(classes & largest) >= len(classes) for classes in inside.values())
        if is_alike and "" not in largest:
            return _Split(level, column, frozenset(names))
    return None


def _split_in_one(folders: Folders, level: int) -> _Split | None:
    """Return the parts inside one of several folders, if the others hold few pictures: ``docs/plan.png``."""
    inside: dict[tuple[str, ...], Folders] = {}
    for path, parents in folders.items():
        inside.setdefault(parents[: level + 1], {})[path] = parents
    within, largest = max(inside.items(), key=lambda item: len(item[1]), default=((), {}))
    if len(inside) < 2 or len(within) <= level or _MOST_BESIDE * len(largest) < len(folders) - len(largest):
        return None
    split = _find_split(largest, looks_inside=False)
    return None if split is None or len(split.parts) < 2 else replace(split, within=within)


def _same_inside(folders: Folders) -> tuple[str, ...]:
    """Return the outermost folders if they hold the same two or more folders; see ``Layout.same_inside``."""
    inside: dict[str, set[str]] = {}
    for parents in folders.values():
        inside.setdefault(parents[0] if parents else "", set()).update(parents[1:2])
    first = next(iter(inside.values()), set())
    is_alike = 2 <= len(inside) <= _MOST_PARTS and len(first) > 1 and "" not in inside
    return tuple(sorted(inside)) if is_alike and all(some == first for some in inside.values()) else ()


def _without_parts(folders: Folders, split: _Split) -> Folders:
    """Leave out the parts, the folders around everything, and a folder that holds all that is left."""
    next_to = split.column + 1
    # Some archives repeat the part's name: "seg_train/seg_train/<class>".
    twice = all(parents[next_to : next_to + 1] == (parents[split.column],) for parents in folders.values())
    rest = {
        path: parents[split.level : split.column] + parents[next_to + twice :]
        for path, parents in folders.items()
    }
    if folds := _split_of_folds(rest, 0):
        rest = {path: parents[: folds.column] + parents[folds.column + 1 :] for path, parents in rest.items()}
    rest = _without_common_top(rest) if all(len(parents) > 1 for parents in rest.values()) else rest
    return _without_image_folders(rest)


def _without_image_folders(folders: Folders) -> Folders:
    """Leave out a last folder that is called "images" in every class, as Tiny ImageNet has it."""
    is_last = all(parents and parents[-1].casefold() in _OF_IMAGES for parents in folders.values())
    if is_last and any(len(parents) > 1 for parents in folders.values()):
        return {path: parents[:-1] for path, parents in folders.items()}
    return folders


def _one_spelling(classes: dict[str, str | None], part_of: dict[str, str]) -> dict[str, str | None]:
    """Give a class one name if parts differ in its upper and lower case, or it would be two classes."""
    spellings: dict[str, dict[str, set[str]]] = {}
    for path, name in classes.items():
        if name is not None:
            spellings.setdefault(name.casefold(), {}).setdefault(name, set()).add(part_of[path])
    renamed = {}
    for found in spellings.values():
        parts = [part for some in found.values() for part in some]
        if len(found) > 1 and len(parts) == len(set(parts)):
            first = min(found, key=natural_key)
            renamed.update(dict.fromkeys(found, first))
    return {path: renamed.get(name, name) if name else name for path, name in classes.items()}


def _without_common_top(folders: Folders) -> Folders:
    """Leave out the folder that holds everything, unless it is itself the class."""
    tops = {parents[:1] for parents in folders.values()}
    deeper = any(len(parents) > 1 for parents in folders.values())
    if len(tops) == 1 and () not in tops and deeper:
        return {path: parents[1:] for path, parents in folders.items()}
    return folders


def _in_order(parts: Iterable[str]) -> tuple[str, ...]:
    """Return parts in the order of their use: to train, to validate, to test, then others."""
    kinds = part_kinds(parts)
    order = ("train", "validation", "test", "")
    return tuple(sorted(parts, key=lambda name: (order.index(kinds.get(name, "")), natural_key(name))))


def _pick_part(wanted: str, split: _Split | None, folders: Folders) -> frozenset[str]:
    """Return the folders of a part that is asked for by its name, or by another word for it."""
    if split is None:
        tops = sorted({parents[0] for parents in folders.values() if parents}, key=natural_key)
        there = f"the folders are {listed(tops)}" if tops else "there are no folders"
        raise DataError(
            f"There is no part {wanted!r} here: parts are folders such as train, val and test, with a folder "
            f"per class in each; {there}. Leave the part out to use everything."
        )
    named = {name for name in split.parts if name.casefold() == wanted.casefold()}
    if not named:
        kinds, kind = part_kinds(split.parts), part_kinds([wanted]).get(wanted)
        named = {name for name in split.parts if kind and kinds.get(name) == kind}
    if not named:
        raise DataError(
            f"There is no part {wanted!r} here; there is {listed(sorted(split.parts, key=natural_key))}."
        )
    return frozenset(named)
