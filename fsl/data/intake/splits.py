"""Lists of class names: reading them from files, and matching them against the classes of a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from fsl.base.errors import DataError
from fsl.base.text import listed


def read_class_list(spec: str) -> tuple[str, ...]:
    """The class names that ``spec`` points to, in their order, each once.

    Args:
        spec: ``FILE.json``, a JSON list of names, or ``FILE.json:KEY`` for one list of a split file; KEY may
            lead through several levels (``photos.json:grocery.val``).

    Raises:
        DataError: no such file or list, or not a list of names; the message names the lists that exist.
    """
    file, key = _split_spec(spec)
    content = _read_json(file)
    lists = dict(_lists(content, ()))
    if key in lists:
        return lists[key]
    if not lists:
        raise DataError(f"{file}: there is no list of class names in this file.")
    if not key:
        example = f"{file}:{next(iter(lists))}"
        raise DataError(f"{file} holds several lists ({', '.join(lists)}): say which, as in {example}.")
    there = ", ".join(lists) if "" not in lists else "one list without a name"
    raise DataError(f"{file} holds no list named {key!r}; it holds {there}.")


def class_lists(file: Path) -> tuple[str, ...]:
    """The names of the lists in a split file, as ``read_class_list`` takes them after the colon.

    Raises:
        DataError: it cannot be read.
    """
    return tuple(name for name, _ in _lists(_read_json(file), ()))


def list_from_anywhere(spec: str) -> str:
    """``spec`` as it means the same in every working folder: the path of its file made absolute."""
    file, key = _split_spec(spec)
    return f"{file.absolute()}:{key}" if key else str(file.absolute())


def expand_prefixes(class_names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes that are meant by ``wanted``: each name is a class, or a folder of classes.

    ``"Greek"`` takes the class "Greek" if there is one, and otherwise every class that starts with "Greek/".

    Args:
        class_names: the classes there are.
        wanted: names of classes or folders.

    Returns:
        Class names in the order wanted, those of one folder in their own order, each once.

    Raises:
        DataError: some wanted names match nothing; the message lists some of them.
    """
    known = set(class_names)
    by_folder: dict[str, list[str]] = {}
    for name in class_names:
        pieces = name.split("/")
        for depth in range(1, len(pieces)):
            by_folder.setdefault("/".join(pieces[:depth]), []).append(name)
    matches = {name: [name] if name in known else by_folder.get(name.rstrip("/"), []) for name in wanted}
    missing = [name for name, found in matches.items() if not found]
    if missing:
        raise DataError(
            f"No class or folder of classes is named {listed(missing)}. "
            f"The classes here are {listed(class_names)}."
        )
    return tuple(dict.fromkeys(name for found in matches.values() for name in found))


def _split_spec(spec: str) -> tuple[Path, str]:
    """File and key. A colon may also be part of the file's path, so the file as a whole is tried first."""
    whole = Path(spec)
    before, colon, key = spec.rpartition(":")
    if not colon or whole.is_file():
        return whole, ""
    return Path(before), key


def _read_json(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file with class names.") from None
    except OSError as error:
        raise DataError(f"{file}: the file cannot be opened ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: this is not a JSON file, or it is damaged ({error}).") from error


def _lists(content: object, keys: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every list of names in the file, as (dotted key, names); the file itself has the key ""."""
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        yield ".".join(keys), tuple(dict.fromkeys(content))
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _lists(value, (*keys, str(key)))
