"""Read Omniglot's published one-shot test: 20 runs, each 20-way 1-shot within one alphabet.

Source: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
induction", 2015. A run is a folder with ``training/`` (one drawing of each character), ``test/`` (another of
each, by another person) and ``class_labels.txt`` (on each line a test image and the training image of the
same character).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fsl.base.errors import DataError
from fsl.base.files import open_plain
from fsl.data.intake.folders import list_images
from fsl.data.intake.listing import ImageEntry
from fsl.data.intake.zip_gate import open_zip

LABELS = "class_labels.txt"
_MAX_LABEL_BYTES = 2**20


@dataclass(frozen=True)
class OneShotRun:
    """One run of the test.

    Attributes:
        name: name of its folder, "run01".
        training: one image per character.
        test: images to recognise.
        answers: for each test image, the position in ``training`` of the same character.
    """

    name: str
    training: tuple[ImageEntry, ...]
    test: tuple[ImageEntry, ...]
    answers: tuple[int, ...]


def read_runs(path: Path) -> tuple[OneShotRun, ...]:
    """Read the runs in a folder or zip, in order of their names, without decoding images.

    Raises:
        DataError: there are no runs, or a run is incomplete.
    """
    entries = {entry.name: entry for entry in list_images(path).entries}
    names = sorted({name.partition("/")[0] for name in entries if "/training/" in name})
    if not names:
        raise DataError(
            f"{path} holds no runs: folders run01, run02, ... with training/, test/ and {LABELS}."
        )
    read_text = _text_reader(path)
    return tuple(_read_run(name, entries, read_text(f"{name}/{LABELS}")) for name in names)


def _read_run(name: str, entries: dict[str, ImageEntry], labels: str) -> OneShotRun:
    pairs = [tuple(line.split()) for line in labels.splitlines() if line.strip()]
    if not pairs:
        raise DataError(f"{name}/{LABELS} names no images, so the run has no answers.")
    training = sorted(entry for entry in entries if entry.startswith(f"{name}/training/"))
    for pair in pairs:
        if len(pair) != 2 or pair[0] not in entries or pair[1] not in training:
            raise DataError(f"{name}/{LABELS} names images that are not there: {' '.join(pair)}.")
    return OneShotRun(
        name,
        tuple(entries[image] for image in training),
        tuple(entries[test] for test, _ in pairs),
        tuple(training.index(answer) for _, answer in pairs),
    )


def _text_reader(path: Path) -> Callable[[str], str]:
    def read(name: str) -> str:
        try:
            if path.is_dir():
                with open_plain(path / name) as file:
                    data = file.read(_MAX_LABEL_BYTES)
            else:
                with open_zip(path, path.name) as archive, archive.open(name) as member:
                    data = member.read(_MAX_LABEL_BYTES)
            return data.decode("utf-8")
        except Exception as error:  # zipfile and zlib raise nearly anything on a damaged entry
            raise DataError(f"{path} has no readable {name}, so its run has no answers.") from error

    return read
