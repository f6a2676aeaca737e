"""Photos with several people: the most similar face answers, against a loop over single comparisons."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import fsl
from fsl.base.errors import SettingsError
from fsl.fewshot.compare import compare
from fsl.fewshot.faces import compare_photos, faces_in
from fsl.fewshot.pictures import NamedImage
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.faces.align import FACE_SIZE
from tests.helpers.faces import drawn_face


@pytest.fixture(scope="module")
def whole_pictures() -> Checkpoint:
    """The face network, given pictures that are upright faces already."""
    checkpoint = fsl.load("faces", "cpu")
    info = replace(checkpoint.info, model=replace(checkpoint.info.model, fit="crop"))
    return replace(checkpoint, info=info, digest="whole")


def face(seed: int) -> NamedImage:
    return NamedImage(f"face {seed}", Image.fromarray(drawn_face(seed)), f"digest {seed}")


def test_the_most_similar_face_of_each_photo_answers(whole_pictures: Checkpoint) -> None:
    references, photos = [face(1), face(2)], [[face(3)], [face(4), face(1), face(5)], [face(2), face(6)]]
    answers = compare_photos(whole_pictures, references, photos, 0.5)
    for answer, faces in zip(answers, photos, strict=True):
        alone = [compare(whole_pictures, references, [one], 0.5)[0].similarity for one in faces]
        assert answer.n_faces == len(faces)
        assert answer.face == int(np.argmax(alone))
        assert answer.similarity == pytest.approx(max(alone), abs=1e-6)
        assert answer.probe == faces[answer.face].name
    with pytest.raises(SettingsError, match="no reference"):
        compare_photos(whole_pictures, [], photos, 0.5)


def test_a_photo_without_a_face_has_none() -> None:
    plain = NamedImage("plain", Image.new("RGB", (320, 200), (90, 120, 60)), "plain")
    assert faces_in(plain, FACE_SIZE) == ()
