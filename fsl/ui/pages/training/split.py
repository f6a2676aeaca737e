"""Which classes are held out for testing: a share drawn by the seed, or those that a person chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import count, listed
from fsl.ui.pages.training.settings import CHOOSE_CLASSES, HELD_OUT, HOLD_OUT
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown

_NAMED = 12  # classes of a side that are named
_MOST_SINGLE = 60  # with more classes, folders of classes (alphabets) are chosen from where there are some


@dataclass(frozen=True)
class Split:
    """What is held out.

    Attributes:
        share: of the classes, or of each class's pictures.
        names: classes or folders of classes instead; none for the share.
        tested: the classes held out, as shown; none where they are not known yet, or pictures of each are.
    """

    share: float
    names: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()


def show_split(class_names: Sequence[str], seed: int, or_pictures: bool = False) -> Split:
    """The split by classes, in words and to be changed.

    Args:
        class_names: of the data; none where they are not known yet.
        seed: of the draw.
        or_pictures: whether pictures of each class are held out where the classes are too few for that.
    """
    place = st.container()
    with st.expander("Choose what is held out", key="split"):
        share = _share("Share of the classes held out")
        mine = st.toggle(**CHOOSE_CLASSES.widget(), disabled=not class_names)
        names = _choose(class_names, share, seed) if mine and class_names else ()
    with place:
        tested = _say(class_names, names, share, seed, or_pictures)
    return Split(share, names, tested)


def show_split_of_pictures(smallest_class: int) -> Split:
    """Where the classes are the ones to be told apart, pictures of each are held out.

    Args:
        smallest_class: pictures in the class with the fewest.
    """
    with st.expander("Choose what is held out", key="split"):
        share = _share("Share of each class's pictures held out")
    if smallest_class == 0:
        st.caption("Add two classes with pictures on the Classify page first.")
        return Split(share)
    if share == 0:
        st.caption("Nothing is held out, so nothing will tell whether the training helped.")
        return Split(0.0)
    if smallest_class < 4:
        st.caption(
            "Learns from all pictures: with fewer than 4 in a class none can be held out to test with, so "
            "nothing will tell whether the training helped."
        )
        return Split(0.0)
    st.caption(f"Tested on {share:.0%} of each class's pictures (2 at least), which it never learns from.")
    return Split(share)


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
        help="Folders of classes, such as alphabets." if by_folder else "Two at least.",
    )
    return tuple(st.multiselect(**held_out.widget()))


def _say(
    class_names: Sequence[str], names: Sequence[str], share: float, seed: int, or_pictures: bool
) -> tuple[str, ...]:
    """The split in words.

    Returns:
        the classes held out; none where that cannot be.
    """
    if not class_names:
        st.caption(f"{share:.0%} of the classes are held out for testing; which, shows when they are here.")
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
        st.warning("Hold out 2 classes at least, and leave 2 to learn from.")
        return ()
    if not tested and or_pictures and share:
        st.caption(
            f"Too few classes to hold some out: tested on {share:.0%} of each class's pictures instead (2 at "
            "least, where there are 4 or more), which it never learns from."
        )
        return ()
    if len(tested) < 2 or len(learned) < 2:
        why = "too few are held out to test on" if share else "nothing is held out to test on"
        st.caption(f"Learns from {count(len(class_names), 'class', 'classes')}; {why}.")
        return ()
    st.caption(
        f"Learns from **{count(len(learned), 'class', 'classes')}**: {_listed(learned)}.  \n"
        f"Tested on **{len(tested):,} others**, which it does not learn from: {_listed(tested)}."
    )
    return tuple(tested)


def _listed(names: Sequence[str]) -> str:
    return markdown(listed(names, _NAMED))
