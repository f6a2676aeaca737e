"""The camera of the Classify page: what it sees is classified as it comes, and photos are taken from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.text import count, percent, similarity_text
from fsl.ui.components.live_camera import LiveAnswer, LiveState, live_camera
from fsl.ui.pages.classify.decide import answers_for, has_classes, support_of
from fsl.ui.pages.classify.drop_steps import Target
from fsl.ui.pages.classify.drops import add_pictures
from fsl.ui.pages.classify.settings import method_in_use, threshold_in_use
from fsl.ui.shared.embedding import embed_new
from fsl.ui.shared.found_faces import MainFaceOf
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.network_in_use import network_in_use
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session, session

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction

_KEY = "few_shot_lab_camera"
_TARGET = "camera_target"
_QUERIES = -1  # in place of the id of a class
_PHOTOS = "photos"
_BARS = 3


@dataclass(frozen=True)
class CameraTarget:
    """What photos are taken for.

    Attributes:
        target: id of a class, None for the queries.
        name: name of the class, or of the queries.
    """

    target: Target
    name: str


@dataclass
class _Camera:
    """The camera that is open, or was open last.

    Attributes:
        live: what the component knows.
        taken: number of photos taken since it was opened.
    """

    live: LiveState
    taken: int = 0


def open_camera(target: CameraTarget) -> None:
    """Open the camera for a class or for the queries."""
    st.session_state[_KEY] = _Camera(LiveState())
    st.session_state[_TARGET] = _QUERIES if target.target is None else target.target
    _show_camera()


@st.dialog("Camera", width="medium", on_dismiss="rerun")
def _show_camera() -> None:
    state = session()
    camera: _Camera = st.session_state[_KEY]
    names = {_QUERIES: "the pictures to classify"}
    names |= {card.id: card.name for card in state.workspace.classes}
    with guarded():
        st.selectbox(
            "Photos go to",
            list(names),
            format_func=lambda key: names.get(key, ""),
            key=_TARGET,
        )
        can_answer = has_classes(state.workspace)
        live_camera(
            "live_camera",
            camera.live,
            partial(_look, state) if can_answer else None,
            partial(_keep, state, camera),
        )
        if not can_answer:
            st.caption("Answers come as you point the camera once two classes have pictures.")
    if st.button("Done", key="camera_done"):
        st.rerun()


def _look(state: Session, jpeg: bytes) -> LiveAnswer:
    """Return the answer for a frame, by the network, rule and limit of the page."""
    try:
        checkpoint, support = network_in_use(), support_of(state.workspace)
        method, threshold = method_in_use(state, checkpoint, support), threshold_in_use(state, checkpoint)
        frame = StoredPicture.from_bytes(jpeg, "camera.jpg")
        model = checkpoint.info.model
        seen = MainFaceOf(frame, model.image_size) if model.fit == "face" else frame
        embed_new(checkpoint, [seen], lambda done, total: None)
        return _live_answer(answers_for(checkpoint, support, [frame], method, threshold)[0])
    except FslError as error:  # shown where the answer would be, as the next frame comes at once
        return LiveAnswer("No answer", str(error), "warning")


def _live_answer(prediction: Prediction) -> LiveAnswer:
    if prediction.unknown:
        similarity = max(prediction.class_similarity.values())
        return LiveAnswer("unknown", f"similarity {similarity_text(similarity)} at most", "warning")
    best = sorted(prediction.scores.items(), key=lambda item: item[1], reverse=True)[:_BARS]
    return LiveAnswer(
        prediction.label,
        percent(prediction.probability),
        "accent",
        tuple((name, share, percent(share)) for name, share in best),
    )


def _keep(state: Session, camera: _Camera, jpeg: bytes) -> str:
    """Add a photo to what was chosen, and return how many were taken."""
    chosen = st.session_state.get(_TARGET, _QUERIES)
    target = None if chosen == _QUERIES else chosen
    state.drops[_PHOTOS] += 1
    try:
        add_pictures(state, target, [(f"photo {state.drops[_PHOTOS]}.jpg", jpeg)])
    except FslError as error:
        return str(error)
    camera.taken += 1
    return f"{count(camera.taken, 'photo')} taken"
