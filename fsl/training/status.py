"""List the runs in a folder from their files; a damaged run says what is wrong and never raises."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.config import ModelConfig, TrainConfig
from fsl.data.intake.paths import display_text
from fsl.training.best import best_test, why_not_to_use
from fsl.training.events import Comparison, Evaluation, Finished, Saved, Started, Step, TrainEvent, Verdict
from fsl.training.run_folder import (
    BEST,
    CHECKPOINT,
    CONFIG,
    ERROR,
    EVENTS,
    IMAGES,
    LEFT_OUT,
    VISITOR,
    public_name,
    read_settings,
)
from fsl.training.run_lock import Phase, detail_of, phase_of
from fsl.training.run_log import EventReader
from fsl.training.verdict import judge

Event = TypeVar("Event")
Settings = TypeVar("Settings", TrainConfig, ModelConfig)
_LATEST = 2.0**34  # seconds since 1970, in the year 2514; some systems have no dates much later than that
Status = Literal["queued", "running", "finished", "stopped", "interrupted", "failed"]


def runs_root() -> Path:
    """Return the folder of runs: ``FSL_RUNS_DIR``, or ``runs`` in the current folder."""
    return Path(os.environ.get("FSL_RUNS_DIR") or "runs")


@dataclass(frozen=True, kw_only=True)
class EventSummary:
    """Summary of a run's events, for lists of runs; far smaller than the events.

    Attributes:
        started: first event, if any.
        step: latest Step, if any.
        evaluation: latest Evaluation, if any.
        before: test before the first batch, if any.
        best: best test after it, if any.
        comparison: accuracy before and after a fine-tune, once it is over.
        verdict: verdict on all events so far; None before the first event.
        saved: latest save, if any.
        finished: the end of the run, if it has ended.
        ends_with_save: whether its last event is a save, which it is once the run has been calibrated.
        n_damaged: number of lines that cannot be read.
    """

    started: Started | None = None
    step: Step | None = None
    evaluation: Evaluation | None = None
    before: Evaluation | None = None
    best: Evaluation | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None
    saved: Saved | None = None
    finished: Finished | None = None
    ends_with_save: bool = False
    n_damaged: int = 0


@dataclass(frozen=True, kw_only=True)
class RunInfo(EventSummary):
    """What a run folder says about its run.

    Attributes:
        id: the folder's name.
        folder: the run folder.
        status: "queued", "running", "finished", "stopped" (by a person, or because its loss was no longer a
            number), "interrupted" (killed, or the machine went down) or "failed".
        name: name for people; by default the id, without its secret.
        group: shared by runs that are compared; "" for a single run.
        config: settings; None if they cannot be read.
        model: architecture; None if it cannot be read.
        about: description of the run: data, command, title.
        has_checkpoint: whether there is a checkpoint to use.
        doing: what the run is doing before its first batch, for people; "" if unknown.
        created: when it began, in seconds since 1970.
        error: why it failed, for people; "" if it did not.
        visitor: anonymous name of the person who started it from a page; "" for runs from a shell.
        has_own_pictures: whether it learns from somebody's own pictures, which are or were stored in its
            folder, rather than from data that has a name.
        left_out: files of its data that could not be used, one a line.
        problems: what is wrong with its files, for people.
    """

    id: str
    folder: Path
    status: Status
    name: str
    group: str = ""
    config: TrainConfig | None = None
    model: ModelConfig | None = None
    about: dict[str, Any] = field(default_factory=dict)
    has_checkpoint: bool = False
    doing: str = ""
    created: float = 0.0
    error: str = ""
    visitor: str = ""
    has_own_pictures: bool = False
    left_out: str = ""
    problems: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it is queued or running."""
        return self.status in ("queued", "running")

    @property
    def steps_saved(self) -> int:
        """Number of batches that the network in the checkpoint was trained on; 0 if it is untrained."""
        return self.saved.step if self.saved and self.has_checkpoint else 0

    @property
    def best_file(self) -> Path:
        """The network at its best test; the one saved last if that is the best, or if there was no test."""
        best = self.folder / BEST
        return best if best.is_file() else self.folder / CHECKPOINT

    @property
    def best_steps(self) -> int:
        """Number of batches that ``best_file`` was trained on."""
        return self.best.step if self.best and self.best_file.name == BEST else self.steps_saved

    @property
    def why_not_to_use(self) -> str:
        """Why its network is not worth using, "" if it is."""
        return why_not_to_use(self.verdict, self.before, self.best, str(self.about.get("start") or ""))

    @property
    def steps_done(self) -> int:
        """Number of batches done at the latest report."""
        return self.step.step if self.step else 0


def run_events(folder: Path) -> Sequence[TrainEvent]:
    """Return the events of a run so far; cheap to call repeatedly, and never raises."""
    return _reader((folder / EVENTS).absolute()).read()[0]


def forget_runs() -> None:
    """Clear everything that is cached about runs, because one was deleted."""
    _reader.cache_clear()
    _summary_of_version.cache_clear()


# A long run has many megabytes of events, and those of all runs ever made would fill the memory.
@lru_cache(maxsize=32)
def _reader(path: Path) -> EventReader:
    return EventReader(path)


def _summarise(path: Path) -> EventSummary:
    try:
        found = path.stat()
    except OSError:
        return EventSummary()
    return _summary_of_version(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _summary_of_version(path: Path, inode: int, size: int, modified: int) -> EventSummary:
    """Return the summary of a file with this inode, size and time of change; cached while they stay."""
    events, n_damaged = _reader(path).read()
    return EventSummary(
        started=_latest(events, Started),
        step=_latest(events, Step),
        evaluation=_latest(events, Evaluation),
        before=next((e for e in events if isinstance(e, Evaluation) and e.step == 0), None),
        best=best_test(events),
        comparison=_latest(events, Comparison),
        verdict=judge(events) if events else None,
        saved=_latest(events, Saved),
        finished=_latest(events, Finished),
        ends_with_save=bool(events) and isinstance(events[-1], Saved),
        n_damaged=n_damaged,
    )


def list_runs(root: Path | None = None) -> list[RunInfo]:
    """Return every run in a folder, the latest first.

    Args:
        root: by default ``runs_root()``.
    """
    folder = root or runs_root()
    try:
        folders = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    except OSError:
        return []
    found = [read_run(p) for p in folders if any((p / name).exists() for name in (CONFIG, EVENTS))]
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def find_run(run_id: str, root: Path | None = None) -> RunInfo:
    """Return the run with an id.

    Raises:
        DataError: there is no such run.
    """
    return read_run(run_folder(run_id, root))


def run_folder(run_id: str, root: Path | None = None) -> Path:
    """Return the folder of a run; no id leads out of the root.

    Raises:
        DataError: there is no such run.
    """
    folder = (root or runs_root()) / run_id
    if not run_id or run_id in (".", "..") or Path(run_id).name != run_id or not folder.is_dir():
        raise DataError(f"There is no run {run_id!r}; it may have been deleted.")
    return folder


def read_run(folder: Path) -> RunInfo:
    """Return what a run folder says about its run; ``problems`` names what cannot be read."""
    problems: list[str] = []
    phase = phase_of(folder)  # before the events, so that a run that ends just now is not "interrupted"
    summary = _summarise((folder / EVENTS).absolute())
    if summary.n_damaged:
        lines = count(summary.n_damaged, f"line of {EVENTS} is", f"lines of {EVENTS} are")
        problems.append(f"{lines} damaged and left out.")
    settings = _read_settings(folder, problems)
    about = settings.get("about")
    about = about if isinstance(about, dict) else {}
    error = _read_text(folder / ERROR)
    has_checkpoint = (folder / CHECKPOINT).is_file()
    status = _status(phase, summary, error)
    if not has_checkpoint and status in ("finished", "stopped"):
        problems.append(f"{CHECKPOINT} is missing.")
    return RunInfo(
        **vars(summary),
        id=folder.name,
        folder=folder,
        status=status,
        name=display_text(str(about.get("name") or public_name(folder.name))),
        group=str(about.get("group") or ""),
        config=_settings_of(TrainConfig, settings, "train", problems),
        model=_settings_of(ModelConfig, settings, "model", problems),
        about=about,
        has_checkpoint=has_checkpoint,
        doing=detail_of(folder) if phase in ("queued", "running") else "",
        created=_created(folder, settings),
        error=error,
        visitor=_read_text(folder / VISITOR),
        has_own_pictures=(folder / IMAGES).exists() or _names_stored_images(settings),
        left_out=_read_text(folder / LEFT_OUT),
        problems=tuple(problems),
    )


def _names_stored_images(settings: Mapping[str, Any]) -> bool:
    data = settings.get("data")
    return isinstance(data, dict) and data.get("file") == IMAGES


def _status(phase: Phase | None, events: EventSummary, error: str) -> Status:
    if phase in ("queued", "running"):  # the log may still hold the end of a run that goes on
        return phase
    if error:
        return "failed"
    if events.finished is None:
        return "interrupted"
    if events.finished.stopped:
        return "stopped"
    # A run that was killed during its calibration can be resumed, for this step alone.
    return "finished" if events.ends_with_save or phase == "closing" else "interrupted"


def _latest(events: Sequence[TrainEvent], kind: type[Event]) -> Event | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _read_settings(folder: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return read_settings(folder)
    except DataError as error:
        problems.append(str(error))
        return {}


def _settings_of(
    kind: type[Settings], settings: dict[str, Any], key: str, problems: list[str]
) -> Settings | None:
    if not settings:
        return None  # already reported
    try:
        return kind.from_json(settings[key])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problems.append(f"{CONFIG} has damaged settings under {key!r} ({error}).")
        return None


def _read_text(path: Path) -> str:
    """Return the text of a small file, "" if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _created(folder: Path, settings: Mapping[str, Any]) -> float:
    begun = settings.get("begun")
    if isinstance(begun, int | float) and 0 < begun < _LATEST:
        return float(begun)
    for name in (CONFIG, EVENTS):
        try:
            return (folder / name).stat().st_mtime
        except OSError:
            continue
    return 0.0
