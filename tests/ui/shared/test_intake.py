"""From dropped files to pictures."""

from __future__ import annotations

import io

from PIL import Image

from fsl.data.intake.listing import list_files
from fsl.ui.shared.intake import take_files, take_listing
from fsl.ui.shared.pictures import THUMBNAIL_SIDE, StoredPicture


def jpeg(colour: str, size: tuple[int, int] = (40, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def test_good_files_are_kept_and_bad_ones_named() -> None:
    seen = []
    files = [("a.jpg", jpeg("red")), ("b.jpg", b"text"), ("c.jpg", b"")]
    pictures, problems = take_files(files, lambda done, total: seen.append((done, total)))
    assert [p.name for p in pictures] == ["a.jpg"]
    assert [p.name for p in problems] == ["b.jpg", "c.jpg"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_folders_become_classes_and_query_folders_queries() -> None:
    paths = ["top/pear/1.jpg", "top/pear/2.jpg", "top/plum/1.jpg", "top/Queries/q.jpg", "top/loose.jpg"]
    listing = list_files([(path, jpeg("red", (8 + i, 8))) for i, path in enumerate(paths)])
    intake = take_listing(listing)
    assert {name: [p.name for p in ps] for name, ps in intake.classes.items()} == {
        "pear": ["1.jpg", "2.jpg"],
        "plum": ["1.jpg"],
    }
    assert sorted(p.name for p in intake.queries) == ["loose.jpg", "q.jpg"]


def test_pictures_keep_the_files_bytes_and_a_small_thumbnail() -> None:
    data = jpeg("red", (900, 600))
    picture = StoredPicture.from_bytes(data, "a.jpg")
    assert picture.data == data
    assert picture.image.size == (900, 600)
    assert picture.thumbnail.startswith("data:image/jpeg;base64,")
    assert len(picture.thumbnail) < 20 * THUMBNAIL_SIDE
