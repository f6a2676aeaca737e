"""Lists of class names: read them from files, and match them with the classes of a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from fsl.base.errors import DataError
from fsl.base.files import open_plain
from fsl.base.text import listed
from fsl.data.intake.paths import display_text


def read_class_list(spec: str) -> tuple[str, ...]:
    """Read a list of class names; each name is returned once, in the order of the file.

    Args:
        spec: ``FILE.json`` with a JSON list of names, or ``FILE.json:KEY`` for one list of a split file. KEY
            may lead through several levels (``photos.json:grocery.val``).

    Raises:
        DataError: there is no such file, or no such list of names in it; the message says which lists there
            are.
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
    """Return the names of the lists in a split file: the KEYs of ``read_class_list``.

    Raises:
        DataError: the file cannot be read.
    """
    return tuple(name for name, _ in _lists(_read_json(file), ()))


def list_from_anywhere(spec: str) -> str:
    """Return ``spec`` with an absolute path, so that it means the same in every working folder.

    Raises:
        DataError: it is empty.
    """
    file, key = _split_spec(spec)
    return f"{file.absolute()}:{key}" if key else str(file.absolute())


def expand_prefixes(class_names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the classes with these names; the name of a folder means all classes in it.

    ``"Greek"`` means the class "Greek" if there is one, and otherwise every class that starts with "Greek/".

    Args:
        wanted: names of classes or folders.

    Returns:
        Class names, each once, in the order of ``wanted``, those of a folder in the order of ``class_names``.

    Raises:
        DataError: a name matches nothing; the message lists such names.
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
    """Split into file and key. A path may contain a colon, so the whole text is tried as a file first.

    Raises:
        DataError: the text names no file.
    """
    whole = Path(spec)
    before, colon, key = spec.rpartition(":")
    if spec and (not colon or whole.is_file()):
        return whole, ""
    if not before:
        raise DataError("The name of the file with class names is empty. Name one, or leave the option out.")
    return Path(before), key


def _read_json(file: Path) -> object:
    try:
        with open_plain(file) as opened:
            return json.loads(opened.read().decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file with class names.") from None
    except OSError as error:
        raise DataError(f"{file}: the file cannot be opened ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: this is not a JSON file, or it is damaged ({error}).") from error


def _lists(content: object, keys: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (dotted key, names) of every list; a file that is itself a list has the key "".

    The names are as listings show those of folders: macOS stores letters and their accents apart.
    """
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        yield ".".join(keys), tuple(dict.fromkeys(map(display_text, content)))
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _lists(value, (*keys, str(key)))
