"""What is held out for testing: classes drawn by the seed, chosen classes, or pictures of each class."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import count, listed
from fsl.ui.pages.training.settings import CHOOSE_CLASSES, HELD_OUT, HOLD_OUT
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown

_FEWEST_TO_SPARE = 4  # pictures of a class: 2 to learn from and 2 for the test
_FEWEST = 2  # pictures of a class that is learned from or tested on; and such classes
_NAMED = 12  # classes listed on each side
_MOST_SINGLE = 60  # with more classes, offer folders of classes (such as alphabets) if there are any


@dataclass(frozen=True)
class Split:
    """What is held out.

    Attributes:
        share: share of the classes, or of each class's pictures.
        names: chosen classes or folders of classes; empty to hold out the share.
        tested: classes held out as shown on the page; empty if they are unknown or pictures are held out.
    """

    share: float
    names: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()


def show_split(class_names: Sequence[str], seed: int, counts: Mapping[str, int] | None = None) -> Split:
    """Show which classes are held out, and let the user change it.

    Args:
        class_names: classes of the data; empty if they are not known yet.
        seed: seed of the draw.
        counts: number of pictures of each class if they are the user's own. Pictures of each class are then
            held out if there are too few classes, and the user is told of classes with too few pictures.
    """
    place = st.container()
    with st.expander("Choose what is held out", key="split"):
        share = _share("Share of the classes held out")
        mine = st.toggle(**CHOOSE_CLASSES.widget(), disabled=not class_names)
        names = _choose(class_names, share, seed) if mine and class_names else ()
    with place:
        tested = _say(class_names, names, share, seed, counts)
    return Split(share, names, tested)


def show_split_of_pictures(counts: Sequence[int]) -> Split:
    """Show the share of each class's pictures that is held out.

    Args:
        counts: number of pictures of each class.
    """
    with st.expander("Choose what is held out", key="split"):
        share = _share("Share of each class's pictures held out")
    if len(counts) < 2:
        st.caption("Add two classes with pictures on the Classify page first.")
        return Split(share)
    if share == 0:
        st.caption("Nothing is held out, so no test will show whether training helped.")
        return Split(0.0)
    told, is_tested = _pictures_told(counts, share)
    st.caption(told)
    return Split(share if is_tested else 0.0)


def _pictures_told(counts: Collection[int], share: float) -> tuple[str, bool]:
    """Return a text about holding out a share of each class's pictures, and whether there is a test."""
    n_small = sum(n < _FEWEST_TO_SPARE for n in counts)
    if len(counts) - n_small < 2:
        return (
            f"Learns from all pictures. A test needs two classes with {_FEWEST_TO_SPARE} or more, so no test "
            "will show whether training helped."
        ), False
    told = f"Tested on {share:.0%} of each class's pictures (at least 2), which it never learns from."
    if n_small:
        small = f"{count(n_small, 'class', 'classes')} with fewer than {_FEWEST_TO_SPARE} pictures"
        told += f" {small} {'is' if n_small == 1 else 'are'} only learned from."
    return told, True


def _share(label: str) -> float:
    return float(st.slider(**replace(HOLD_OUT, label=label).widget()))


def _choose(class_names: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    folders = sorted({name.partition("/")[0] for name in class_names if "/" in name})
    by_folder = len(class_names) > _MOST_SINGLE and len(folders) >= 4
    options = folders if by_folder else list(class_names)
    drawn = core.drawn_classes(options, share, seed)
    still_there = [name for name in HELD_OUT.value or () if name in options]
    HELD_OUT.put(still_there or list(drawn))
    held_out = replace(
        HELD_OUT,
        options={name: name for name in options},
        help="Folders of classes, such as alphabets." if by_folder else "At least two classes.",
    )
    return tuple(st.multiselect(**held_out.widget()))


def _say(
    class_names: Sequence[str],
    names: Sequence[str],
    share: float,
    seed: int,
    counts: Mapping[str, int] | None,
) -> tuple[str, ...]:
    """Describe the split.

    Returns:
        the classes held out; empty if no class can be held out.
    """
    if not class_names:
        st.caption(f"{share:.0%} of the classes are held out for testing, listed when the pictures are here.")
        return ()
    try:
        tested = (
            core.expand_prefixes(class_names, names)
            if names
            else core.drawn_classes(class_names, share, seed)
        )
    except FslError as error:
        st.warning(markdown(str(error)))
        return ()
    learned = [name for name in class_names if name not in set(tested)]
    if names and (len(tested) < 2 or len(learned) < 2):
        st.warning("Hold out at least 2 classes, and leave at least 2 to learn from.")
        return ()
    if not tested and counts and share:
        st.caption(f"There are too few classes to hold some out. {_pictures_told(counts.values(), share)[0]}")
        return ()
    if len(tested) < 2 or len(learned) < 2:
        why = "too few classes are held out for a test" if share else "nothing is held out for a test"
        st.caption(f"Learns from {count(len(class_names), 'class', 'classes')}; {why}.")
        return ()
    st.caption(
        f"Learns from **{count(len(learned), 'class', 'classes')}**: {_listed(learned)}.  \n"
        f"Tested on **{len(tested):,} others**, which it never learns from: {_listed(tested)}."
    )
    if counts:
        _warn_of_small_classes(counts, learned, tested)
    return tuple(tested)


def _warn_of_small_classes(counts: Mapping[str, int], learned: Sequence[str], tested: Sequence[str]) -> None:
    """Warn if too few of the classes on one side have enough pictures to train, or to test."""
    for needs, side, names in (
        ("Training", "to learn from", learned),
        ("A test", "held out", tested),
    ):
        n = sum(counts[name] >= _FEWEST for name in names)
        if n < _FEWEST:
            st.warning(
                f"{needs} needs {_FEWEST} classes with {_FEWEST} or more pictures; of those {side}, {n} "
                f"{'has' if n == 1 else 'have'} as many. Hold out other classes, or add pictures."
            )
            return


def _listed(names: Sequence[str]) -> str:
    return markdown(listed(names, _NAMED))
