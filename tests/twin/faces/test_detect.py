"""Finding faces: on drawn pictures without any, and on real scans where they are at hand."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import NoFaceError
from fsl.data.images.decode import decode_image
from fsl.data.images.resize import square_image
from fsl.twin.faces.detect import find_faces, main_face
from fsl.twin.faces.prepare import cut_out, face_of


def test_a_picture_without_a_face_says_so() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    for pixels in (noise, np.full((90, 500, 3), 128, np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert find_faces(Image.fromarray(pixels)) == []
        with pytest.raises(NoFaceError, match="no face was found"):
            square_image(Image.fromarray(pixels), 150, "face")


@pytest.fixture
def scans(data_dir: Path) -> list[Image.Image]:
    """One scan of each of ten people of ORL, 92x112, all face."""
    with zipfile.ZipFile(data_dir / "orl-faces.zip") as archive:
        return [decode_image(archive.read(f"s{person}/1.pgm"), f"s{person}") for person in range(1, 11)]


def test_a_scan_that_is_all_face_is_found_upright_turned_and_enlarged(scans: list[Image.Image]) -> None:
    for scan in scans:
        for picture in (scan, scan.rotate(20, Image.Resampling.BICUBIC), scan.resize((920, 1120))):
            face = main_face(picture)
            assert face is not None
            eyes, mouth = face.landmarks[:2, 1].mean(), face.landmarks[3:, 1].mean()
            assert eyes < face.landmarks[2, 1] < mouth


def test_a_group_photo_gives_each_face_where_it_is(scans: list[Image.Image]) -> None:
    photo = Image.new("RGB", (1200, 700), (90, 110, 130))
    corners = [(40, 60), (420, 300), (820, 90), (900, 420)]
    for scan, corner in zip(scans, corners, strict=False):
        photo.paste(scan.resize((184, 224)), corner)
    faces = find_faces(photo, thorough=True)
    assert len(faces) == 4
    middles = [((f.box[0] + f.box[2]) / 2, (f.box[1] + f.box[3]) / 2) for f in faces]
    for left, top in corners:
        assert sum(left <= x <= left + 184 and top <= y <= top + 224 for x, y in middles) == 1


def test_a_small_face_in_a_large_photo_is_found(scans: list[Image.Image]) -> None:
    photo = Image.new("RGB", (4000, 3000), (90, 110, 130))
    photo.paste(scans[0].resize((60, 73)), (3100, 2200))
    face = main_face(photo)
    assert face is not None
    assert 3100 < face.landmarks[2, 0] < 3160
    assert 2200 < face.landmarks[2, 1] < 2273


def test_a_phone_s_photo_that_is_stored_upside_down_is_found(scans: list[Image.Image]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    file = io.BytesIO()
    scans[0].resize((460, 560)).rotate(180).save(file, "JPEG", exif=exif)
    face = main_face(decode_image(file.getvalue(), "phone.jpg"))
    assert face is not None
    assert face.landmarks[0, 1] < face.landmarks[3, 1]


def test_an_upright_face_knows_its_face_and_is_not_looked_for_again(scans: list[Image.Image]) -> None:
    upright = square_image(scans[0], 150, "face")
    assert face_of(upright) is not None
    assert square_image(upright, 150, "face") is upright
    chosen = find_faces(scans[1])[0]
    assert face_of(cut_out(scans[1], chosen, 150)) is chosen
