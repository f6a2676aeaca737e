"""Check pictures for copies, wrong labels and outliers, and show what was found. Several pages use this."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from fsl.base.text import count, similarity_text
from fsl.embedding.labelled import NO_CLASS
from fsl.fewshot.check_report import check_object
from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import embedded
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.work import Latest, ReportProgress

if TYPE_CHECKING:
    from fsl.fewshot.check import DataCheck
    from fsl.fewshot.check_labels import Suspect
    from fsl.twin.checkpoint import Checkpoint

_GROUPS, _MORE_GROUPS = 8, 24
_TILES, _MORE_TILES = 40, 120
_EXAMPLES = 4
_LOOKS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class CheckActions:
    """What a page can do about a finding.

    Attributes:
        remove: called with pictures and the names of their classes, to remove them.
        move: called with a picture, the name of its class and that of another, to move it there.
    """

    remove: Callable[[Sequence[tuple[StoredPicture, str]]], None]
    move: Callable[[StoredPicture, str, str], None]


@dataclass
class CheckView(TabState):
    """What one page remembers of its check.

    Attributes:
        key: prefix of the widgets' keys.
        latest: the work on the pictures shown.
        chosen: digest and class of the suspect that is looked at.
        right: digests and classes of the suspects whose label was confirmed.
        groups: how many groups of copies are shown.
        tiles: how many suspects and outliers are shown.
    """

    key: str
    latest: Latest[DataCheck] = field(default_factory=Latest)
    chosen: tuple[str, str] = ("", "")
    right: set[tuple[str, str]] = field(default_factory=set)
    groups: int = _GROUPS
    tiles: int = _TILES

    def copied(self) -> CheckView:
        """Return a copy for another tab, without the work that is under way."""
        return replace(self, latest=Latest(), right=set(self.right))

    def forget_results(self) -> None:
        """Forget what can be computed again; the confirmed labels stay."""
        self.latest = Latest()


def check_view(key: Literal["classify", "map"]) -> CheckView:
    """Return what this browser session remembers of the check under that key."""
    view: CheckView = st.session_state.setdefault(f"few_shot_lab_check_{key}", CheckView(key))
    return view


def show_data_check(
    view: CheckView, pictures: Collection, checkpoint: Checkpoint, actions: CheckActions | None = None
) -> None:
    """Check the pictures that have a class, and show the findings, or how far the check is.

    Args:
        view: of the page.
        pictures: the pictures; those without a class are not checked.
        checkpoint: the network whose judgement counts.
        actions: what the page can do about a finding; None if it can only look.
    """
    if all(label == NO_CLASS for label in pictures.labels):
        st.info(
            "Only pictures of a class are checked, and none of these is in one. In a folder or zip, the "
            "pictures of each class need a folder of their own, named after the class.",
            icon=":material/info:",
        )
        return
    found = view.latest.result((pictures.key, checkpoint.digest), partial(_check, pictures, checkpoint))
    if found is None:
        return
    doubted = [one for one in found.suspects if _identity(pictures, one.row) not in view.right]
    with st.container(border=True, key=f"{view.key}_check"):
        _show_summary(view, found, pictures, len(doubted))
        odd = list(dict.fromkeys([*found.outliers, *found.tiny, *found.blank]))
        parts: dict[str, Callable[[], None]] = {}
        if doubted:
            title = f"Likely wrong labels ({len(doubted)})"
            parts[title] = partial(_show_suspects, view, pictures, found, doubted, actions)
        if found.copies:
            title = f"Copies ({len(found.copies)})"
            parts[title] = partial(_show_copies, view, pictures, found, actions)
        if odd:
            parts[f"Unlike the others ({len(odd)})"] = partial(_show_odd, view, pictures, found, odd, actions)
        if parts:
            for tab, show in zip(st.tabs(list(parts)), parts.values(), strict=True):
                with tab:
                    show()


def _check(pictures: Collection, checkpoint: Checkpoint, report: ReportProgress) -> DataCheck:
    labels = [label for label in pictures.labels if label != NO_CLASS]
    n = len(labels)  # those with a class come first
    looks = []
    for start in range(0, n, _LOOKS_AT_ONCE):
        report(start / n / 2, f"Looking at the pictures: {start:,} of {n:,}")
        looks += [core.look_of(one) for one in pictures.pictures[start : min(start + _LOOKS_AT_ONCE, n)]]

    def progress(done: int, total: int) -> None:
        report(0.5 + done / max(1, total) / 2, f"Comparing the pictures: {done:,} of {total:,}")

    embeddings = embedded(pictures, checkpoint, progress)[:n]
    report(None, "Looking for copies and wrong labels")
    return core.check_pictures(
        checkpoint.twin, embeddings, labels, looks, turn=COMPUTE, nearest=core.nearest_rows_of_many
    )


def _show_summary(view: CheckView, found: DataCheck, pictures: Collection, n_doubted: int) -> None:
    n = sum(label != NO_CLASS for label in pictures.labels)
    checked = f"{count(n, 'picture')} of {count(len(pictures.class_names), 'class', 'classes')} checked"
    n_odd = len({*found.outliers, *found.blank, *found.tiny})
    parts = [
        (n_doubted, "label that is likely wrong", "labels that are likely wrong"),
        (len(found.copies), "picture that is there more than once", "pictures that are there more than once"),
        (n_odd, "picture unlike the others", "pictures unlike the others"),
    ]
    words = ", ".join(count(number, *names) for number, *names in parts if number)
    with st.container(horizontal=True, vertical_alignment="center"):
        if words:
            st.markdown(f"**{checked}: {words}.**", width="stretch")
        else:
            st.markdown(f":material/check: **{checked}. Nothing suspicious was found.**", width="stretch")
        st.download_button(
            "Save the list",
            partial(_as_text, found, pictures),
            "check.json",
            "application/json",
            key=f"{view.key}_check_save",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
            help="The same as `fsl check --json` prints.",
        )
    if found.thin:
        thin = [pictures.class_names[label] for label in found.thin]
        few = f"{count(len(thin), 'class has', 'classes have')} fewer than 5 different pictures"
        shown = ", ".join(thin[:6]) + (", …" if len(thin) > 6 else "")
        st.caption(markdown(f"{few} ({shown}), so a wrong label among them is hard to find."))


def _as_text(found: DataCheck, pictures: Collection) -> str:
    labels = [label for label in pictures.labels if label != NO_CLASS]
    names = [f"{pictures.class_of(row)}/{pictures.pictures[row].name}" for row in range(len(labels))]
    about = check_object(found, names, labels, pictures.class_names, pictures.problems)
    return json.dumps(about, indent=1, ensure_ascii=False)


def _identity(pictures: Collection, row: int) -> tuple[str, str]:
    return pictures.pictures[row].digest, pictures.class_of(row)


def _tile(pictures: Collection, row: int, note: str = "") -> Tile:
    picture = pictures.pictures[row]
    return Tile(str(row), picture.thumbnail, picture.name, pictures.class_of(row), note)


def _remover(pictures: Collection, actions: CheckActions | None) -> Callable[[str], None] | None:
    """Return a callback that removes the picture at a row, which tiles have as their ids."""
    if actions is None:
        return None

    def remove(row: str) -> None:
        actions.remove([(pictures.pictures[int(row)], pictures.class_of(int(row)))])

    return guarded_callback(remove)


def _show_suspects(
    view: CheckView,
    pictures: Collection,
    found: DataCheck,
    doubted: list[Suspect],
    actions: CheckActions | None,
) -> None:
    st.caption("The most likely wrong come first. Choose one to see it beside both classes.")
    chosen = next((o for o in doubted if _identity(pictures, o.row) == view.chosen), doubted[0])

    def select(row: str) -> None:
        view.chosen = _identity(pictures, int(row))

    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        tiles = [
            _tile(pictures, one.row, f"looks like\n{pictures.class_names[one.looks_like]}")
            for one in doubted[: view.tiles]
        ]
        picture_grid(
            tiles,
            key=f"{view.key}_check_suspects",
            label="Pictures whose label is likely wrong",
            size="medium",
            actions=Actions(select=guarded_callback(select), more=_more_tiles(view)),
            selected=str(chosen.row),
            hidden=len(doubted) - len(tiles),
        )
    with right:
        _show_suspect(view, pictures, chosen, actions)
        _show_both_classes(view, pictures, chosen, {*found.blank, *(one.row for one in doubted)})


def _show_suspect(view: CheckView, pictures: Collection, one: Suspect, actions: CheckActions | None) -> None:
    picture, own = pictures.pictures[one.row], pictures.class_of(one.row)
    other = pictures.class_names[one.looks_like]
    tile = Tile(picture.digest, picture.thumbnail, picture.name)
    picture_grid([tile], key=f"{view.key}_check_chosen", label="The chosen picture", size="large")
    similar = similarity_text(one.similarity)
    st.markdown(f"Labelled **{markdown(own)}**, looks like **{markdown(other)}** (similarity {similar}).")
    if actions is not None:
        with st.container(horizontal=True):
            guarded_button(
                f"Move to {markdown(other)}",
                f"{view.key}_check_move",
                partial(actions.move, picture, own, other),
                type="primary",
            )
            guarded_button("Remove", f"{view.key}_check_remove", partial(actions.remove, [(picture, own)]))
    guarded_button(
        "The label is right",
        f"{view.key}_check_right",
        partial(view.right.add, (picture.digest, own)),
        type="tertiary",
    )


def _show_both_classes(view: CheckView, pictures: Collection, one: Suspect, but: set[int]) -> None:
    """Show pictures of the class of a suspect and of the class it looks like, but not those rows."""
    for key, label in (("own", pictures.labels[one.row]), ("other", one.looks_like)):
        name = pictures.class_names[label]
        rows = [row for row, other in enumerate(pictures.labels) if other == label and row not in but]
        st.caption(markdown(name))
        picture_grid(
            [
                Tile(str(row), pictures.pictures[row].thumbnail, pictures.pictures[row].name)
                for row in rows[:_EXAMPLES]
            ],
            key=f"{view.key}_check_{key}",
            label=f"Pictures of {name}",
        )


def _show_copies(
    view: CheckView, pictures: Collection, found: DataCheck, actions: CheckActions | None
) -> None:
    exact = {row for group in found.duplicates for row in group}
    ordered = sorted(found.copies, key=lambda group: not _is_across(pictures, group))
    repeated = [row for group in ordered if not _is_across(pictures, group) for row in group[1:]]
    if actions is not None and repeated:
        guarded_button(
            f"Keep one of each within a class: remove {count(len(repeated), 'copy', 'copies')}",
            f"{view.key}_check_unique",
            partial(actions.remove, [(pictures.pictures[row], pictures.class_of(row)) for row in repeated]),
        )
    for number, group in enumerate(ordered[: view.groups]):
        what = "The same picture" if set(group) <= exact else "Nearly the same picture"
        across = ", **in different classes: one label is wrong**" if _is_across(pictures, group) else ""
        st.markdown(f"{what}{across}")
        picture_grid(
            [_tile(pictures, row) for row in group],
            key=f"{view.key}_check_copies_{number}",
            label=f"{what}, {count(len(group), 'time')}",
            actions=Actions(remove=_remover(pictures, actions)),
        )
    if len(ordered) > view.groups:
        guarded_button(
            f"Show {min(_MORE_GROUPS, len(ordered) - view.groups)} more",
            f"{view.key}_check_more_groups",
            partial(_show_more, view, "groups", _MORE_GROUPS),
        )


def _is_across(pictures: Collection, group: Sequence[int]) -> bool:
    return len({pictures.labels[row] for row in group}) > 1


def _show_odd(
    view: CheckView,
    pictures: Collection,
    found: DataCheck,
    odd: Sequence[int],
    actions: CheckActions | None,
) -> None:
    reasons = dict.fromkeys(found.outliers, "unlike its class")
    reasons |= dict.fromkeys(found.tiny, "tiny") | dict.fromkeys(found.blank, "blank")
    picture_grid(
        [_tile(pictures, row, reasons[row]) for row in odd[: view.tiles]],
        key=f"{view.key}_check_odd",
        label="Pictures unlike the others",
        size="medium",
        actions=Actions(remove=_remover(pictures, actions), more=_more_tiles(view)),
        hidden=max(0, len(odd) - view.tiles),
    )


def _more_tiles(view: CheckView) -> Callable[[], None]:
    return guarded_callback(partial(_show_more, view, "tiles", _MORE_TILES))


def _show_more(view: CheckView, name: str, number: int) -> None:
    setattr(view, name, getattr(view, name) + number)
