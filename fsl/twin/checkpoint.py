"""Checkpoint files: one ``.safetensors`` with everything that is needed to use the network.

Weights are tensors; the rest is one JSON object under the key ``few_shot_lab`` of the file's metadata.
Never pickle: a file of somebody else's must not run code.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from platformdirs import user_data_path
from torch import Tensor

from fsl.base.errors import CheckpointError, SettingsError
from fsl.base.files import write_atomically
from fsl.base.shipped import IS_INSTALLED, shipped_path
from fsl.base.text import listed
from fsl.config import RULES, ModelConfig, Rule
from fsl.data.intake.paths import display_text
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import PairRates

FORMAT = 1
SUFFIX = ".safetensors"
METADATA_KEY = "few_shot_lab"
CHECKPOINT_DIR = shipped_path("checkpoints")
Subject = Literal["thing", "person"]
NOTICES: dict[Subject, str] = {
    "thing": "",
    "person": "Faces: a demonstration, trained on few people. Do not use it to identify anyone in earnest, "
    "and ask people before you compare their pictures.",
}
"""What everybody who uses a network is told, by what it tells apart."""
_GET_AGAIN = "Get the file again."
_KINDS: dict[str, type] = {
    **dict.fromkeys(("name", "title", "licence", "version"), str),
    **dict.fromkeys(("training", "metrics"), dict),
}
_CLASS_LISTS = ("classes", "start_classes")
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


@dataclass(frozen=True)
class Calibration:
    """How similarities become probabilities, and when the answer is "unknown".

    Attributes:
        rule: the rule the numbers below were fitted for.
        temperature: class scores (logits) are divided by this before the softmax over classes.
        unknown_threshold: a query whose best class similarity is below this is "unknown"; in [0, 1].
        false_reject: share of known queries called unknown at that threshold, on the fitting data.
        false_accept: share of queries of absent classes not called unknown there.
        accuracy: share of known queries answered rightly on the fitting data, in [0, 1].
        fitted_on: the data and episodes, in words.
        familiar: whether the network learned from these classes, if only from other images of them.
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
        if self.rule not in RULES:
            raise SettingsError(
                f"A calibration's rule is {self.rule!r}; it must be one of {', '.join(RULES)}."
            )
        if not 0.0 < self.temperature < math.inf:
            raise SettingsError(f"A calibration's temperature is {self.temperature}; it must be positive.")
        for name in ("unknown_threshold", "false_reject", "false_accept", "accuracy"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise SettingsError(f"A calibration's {name} is {value}; it must be 0 to 1.")


def seen_among(trained: Sequence[str], class_names: Sequence[str], data: str) -> list[str]:
    """Those of a data set's classes that are among the ones trained on.

    Args:
        trained: names, as a header has them.
        class_names, data: as ``CheckpointInfo.trained_on``.
    """
    known = set(trained)
    return [name for name in class_names if name in known or f"{data}/{name}" in known]


@dataclass(frozen=True)
class CheckpointInfo:
    """The JSON header of a checkpoint.

    Attributes:
        name: short name, "fruits".
        model: architecture and input.
        title: what it is for, in a few words.
        calibrations: one per rule; empty when never calibrated.
        rule: the rule that did best on held-out classes, used unless another is wished.
        training: data, split, command, steps, seconds, seed; free-form JSON.
        metrics: what was measured, each with its command; free-form JSON.
        licence: notes on weights and data.
        version: of this project.
        pairs: error rates of "same or different?" on held-out classes; none when never measured.
        subject: what it tells apart; a network trained on from one of people is one of people.
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
        """What everybody who uses it is told, "" for nothing."""
        return NOTICES[self.subject]

    @property
    def classes_seen(self) -> tuple[str, ...]:
        """Names of the classes that it was trained on, and before it the network that it started from."""
        return tuple(dict.fromkeys(name for key in _CLASS_LISTS for name in self.training.get(key, ())))

    def calibration(self, rule: Rule) -> Calibration:
        """The calibration for ``rule``, or the neutral one (softmax as it is, nothing unknown)."""
        return next((c for c in self.calibrations if c.rule == rule), Calibration(rule=rule))

    def trained_on(self, class_names: Sequence[str], data: str) -> list[str]:
        """Those of a data set's classes that the network was trained on, as far as its header tells.

        Args:
            class_names: to ask about.
            data: name of the set, which goes before the names where several were trained on together.
        """
        return seen_among(self.classes_seen, class_names, data)

    def to_json(self) -> dict[str, Any]:
        """The header's JSON object, with the format's version, label convention and notice."""
        told = {"label_convention": "0 = same class, 1 = different class", "notice": self.notice}
        return {"format": FORMAT, **told, **asdict(self)}

    @classmethod
    def from_json(cls, header: dict[str, Any], where: str) -> CheckpointInfo:
        """The header ``header`` of the file ``where``.

        Raises:
            CheckpointError: another format version, or fields that are missing or of the wrong kind.
        """
        if header.get("format") != FORMAT:
            raise CheckpointError(
                f"{where} has checkpoint format {header.get('format')!r}; this version reads format "
                f"{FORMAT}. Update the project, or train the checkpoint again."
            )
        known = {k: v for k, v in header.items() if k in cls.__dataclass_fields__}
        for name, kind in _KINDS.items():
            if not isinstance(known.get(name, kind()), kind):
                raise CheckpointError(
                    f"{where} has a damaged header ({name} is {known[name]!r}). {_GET_AGAIN}"
                )
        for name, choices in (("rule", RULES), ("subject", tuple(NOTICES))):
            if known.get(name, choices[0]) not in choices:
                raise CheckpointError(
                    f"{where} has a damaged header ({name} is {known[name]!r}). {_GET_AGAIN}"
                )
        for key in _CLASS_LISTS:
            classes = known.get("training", {}).get(key, [])
            if not isinstance(classes, list) or not all(isinstance(one, str) for one in classes):
                raise CheckpointError(f"{where} has a damaged header ({key} are no names). {_GET_AGAIN}")
        known |= {name: display_text(known[name]) for name in ("name", "title", "licence") if name in known}
        try:
            known["model"] = ModelConfig.from_json(known["model"])
            known["calibrations"] = tuple(Calibration(**c) for c in known.get("calibrations", ()))
            known["pairs"] = PairRates.from_json(known["pairs"]) if known.get("pairs") else None
            return cls(**known)
        except (KeyError, TypeError, ValueError, AttributeError, SettingsError) as error:
            raise CheckpointError(f"{where} has a damaged header ({error}). {_GET_AGAIN}") from error


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained twin network and its header.

    Attributes:
        twin: in ``eval`` mode.
        info: the header.
        digest: sha256 of the file, or of the weights when it never was a file; keys caches.
    """

    twin: TwinNetwork
    info: CheckpointInfo
    digest: str


def dump(twin: TwinNetwork, info: CheckpointInfo, half: bool = False) -> bytes:
    """The bytes of a checkpoint file.

    Args:
        twin: the network.
        info: its header.
        half: store weights in half precision, which halves the file; they are loaded into a network in full
            precision. Vectors (norms, biases, heads) are few and stay in full.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in twin.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.ndim >= 2 else t for name, t in tensors.items()}
    return safetensors.torch.save(tensors, {METADATA_KEY: json.dumps(info.to_json(), sort_keys=True)})


def save(path: Path, twin: TwinNetwork, info: CheckpointInfo, half: bool = False) -> None:
    """Write a checkpoint file, whole or not at all; the arguments are those of ``dump``.

    Raises:
        WriteError: the disk is full or the folder cannot be written.
    """
    write_atomically(path, dump(twin, info, half))


def read_info(path: Path) -> CheckpointInfo:
    """The header alone, without the weights.

    Raises:
        CheckpointError: there is no such file, or it is no checkpoint of this project.
    """
    _refuse_what_is_no_checkpoint(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} is damaged or not a safetensors file ({error}).") from error
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path.name} is a safetensors file without this project's header, so its architecture is "
            "unknown. Use a checkpoint written by this project."
        )
    try:
        header = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} has a damaged header ({error}). {_GET_AGAIN}") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path.name} has a damaged header (no JSON object). {_GET_AGAIN}")
    return CheckpointInfo.from_json(header, path.name)


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """A checkpoint, strictly: every weight present, none left over, every shape as the header says.

    Raises:
        CheckpointError: as ``read_info``, or the weights do not fit; the keys are named.
    """
    info = read_info(path)
    try:
        data = path.read_bytes()
        tensors = safetensors.torch.load(data)
        # First without any memory for weights: a header may promise gigabytes that the file does not hold.
        with torch.device("meta"):
            promised = TwinNetwork(info.model).state_dict()
        _refuse_wrong_weights(path.name, promised, tensors)
        twin = TwinNetwork(info.model)
    except (safetensors.SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path.name} could not be loaded: {error}") from error
    twin.load_state_dict(tensors)
    twin.to(device).eval().requires_grad_(False)
    return Checkpoint(twin, info, hashlib.sha256(data).hexdigest())


def from_twin(twin: TwinNetwork, info: CheckpointInfo) -> Checkpoint:
    """A checkpoint in memory: a copy of ``twin`` in ``eval`` mode."""
    frozen = twin.copy().eval().requires_grad_(False)
    return Checkpoint(frozen, info, hashlib.sha256(dump(frozen, info)).hexdigest())


def _refuse_what_is_no_checkpoint(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            f"{path.name} is a pickle (a .pt or .pth file, whatever its name says). Opening it could run "
            "somebody's code, so it is refused; use a .safetensors file."
        )


def _refuse_wrong_weights(name: str, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    missing, unexpected = set(expected) - set(found), set(found) - set(expected)
    shared = set(expected) & set(found)
    shapes = {k for k in shared if expected[k].shape != found[k].shape}
    kinds = {k for k in shared if expected[k].is_floating_point() != found[k].is_floating_point()}
    numbers = {k for k in shared - kinds if not bool(found[k].isfinite().all())}
    faults = [
        f"{label}: {listed(sorted(keys))}"
        for label, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", shapes),
            ("of another kind of number", kinds),
            ("not finite", numbers),
        )
        if keys
    ]
    if faults:
        raise CheckpointError(f"{name} does not fit its own header; weights {'; '.join(faults)}.")


def user_folder() -> Path:
    """Return the folder where a user's checkpoints are saved.

    ``FSL_CHECKPOINT_DIR`` names it. By default it is ``checkpoints/saved`` in a clone of the repository; for
    an installed package, whose own folders an update replaces, it is in the user's data folder.
    """
    if named := os.environ.get("FSL_CHECKPOINT_DIR"):
        return Path(named)
    return user_data_path("few-shot-lab") / "checkpoints" if IS_INSTALLED else CHECKPOINT_DIR / "saved"


def available(folder: Path | None = None) -> dict[str, Path]:
    """The checkpoints in a folder, by name.

    Args:
        folder: by default ``FSL_CHECKPOINT_DIR``, else those that ship and then those saved by the user.
    """
    default = [user_folder()] if os.environ.get("FSL_CHECKPOINT_DIR") else [CHECKPOINT_DIR, user_folder()]
    files = [path for place in ([folder] if folder else default) for path in sorted(place.glob(f"*{SUFFIX}"))]
    found: dict[str, Path] = {}
    for path in files:
        if not path.name.startswith("."):
            found.setdefault(path.stem, path)
    return found


def find(name_or_file: str) -> Path:
    """The file of a checkpoint given by name ("fruits") or by path.

    Raises:
        CheckpointError: there is neither; the message lists the names there are.
    """
    path = Path(name_or_file)
    if path.is_file():
        return path
    names = available()
    if name_or_file in names:
        return names[name_or_file]
    raise CheckpointError(
        f"There is no checkpoint {name_or_file!r}: neither a file nor one of "
        f"{', '.join(names) or '(none installed)'}."
    )
