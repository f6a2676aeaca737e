"""Labelled sets: loading, selecting, joining."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import DataError, SettingsError
from fsl.data.imageset import ImageSet, concatenate, single_images_note
from fsl.data.intake.listing import ImageEntry, Listing, list_files
from fsl.data.loading import load_listing
from fsl.data.query import ImageQuery


def png(value: int, size: tuple[int, int] = (5, 5)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(buffer, "PNG")
    return buffer.getvalue()


def small_set() -> ImageSet:
    images = np.zeros((5, 2, 2, 3), np.uint8) + np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    labels = np.array([0, 1, 1, 2, 0], np.int64)
    return ImageSet(images, labels, ("a", "b", "c"), tuple("vwxyz"))


# --- ImageSet


def test_what_a_set_knows() -> None:
    image_set = small_set()
    assert (len(image_set), image_set.n_classes, image_set.size) == (5, 3, 2)
    assert np.bincount(image_set.labels).tolist() == [2, 2, 1]


def test_classes_that_nothing_is_learned_from_are_named() -> None:
    assert single_images_note(small_set()) == (
        "1 of 3 classes with a single picture; nothing is learned from it: c.",
    )
    assert single_images_note(small_set().rows([0, 1, 2, 4])) == ()


def test_a_class_may_be_empty() -> None:
    empty = ImageSet(np.zeros((0, 4, 4, 3), np.uint8), np.zeros(0, np.int64), ("a",), ())
    assert (len(empty), empty.size, empty.n_classes) == (0, 4, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.zeros((5, 2, 2, 3), np.float32)},
        {"images": np.zeros((5, 2, 3, 3), np.uint8)},
        {"images": np.zeros((5, 2, 2, 1), np.uint8)},
        {"images": np.zeros((5, 2, 2), np.uint8)},
        {"images": np.zeros((4, 2, 2, 3), np.uint8)},
        {"labels": np.array([0, 1, 1, 3, 0], np.int64)},
        {"labels": np.array([0, 1, 1, -1, 0], np.int64)},
        {"labels": np.array([0, 1, 1, 2, 0], np.int32)},
        {"labels": np.zeros((5, 1), np.int64)},
        {"class_names": ("a", "b")},
        {"class_names": ("a", "b", "b")},
        {"class_names": ()},
        {"names": ("v",)},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    good = small_set()
    fields = {name: getattr(good, name) for name in ("images", "labels", "class_names", "names")}
    with pytest.raises(SettingsError):
        ImageSet(**(fields | change))


def test_selecting_classes_keeps_the_order_given() -> None:
    chosen = small_set().select_classes(["c", "a"])
    assert chosen.class_names == ("c", "a")
    assert chosen.names == ("v", "y", "z")
    assert chosen.labels.tolist() == [1, 0, 1]
    assert chosen.images[:, 0, 0, 0].tolist() == [0, 3, 4]


def test_selecting_all_in_order_changes_nothing() -> None:
    assert small_set().select_classes(["a", "b", "c"]).digest() == small_set().digest()


def test_selecting_unknown_or_repeated_classes() -> None:
    with pytest.raises(DataError, match="no class named x, y"):
        small_set().select_classes(["a", "x", "y"])
    with pytest.raises(DataError, match="twice"):
        small_set().select_classes(["a", "a"])


def test_the_digest_sees_every_part() -> None:
    first = small_set()
    images = first.images.copy()
    images[4, 1, 1, 2] ^= 1
    others = [
        ImageSet(images, first.labels, first.class_names, first.names),
        ImageSet(first.images, first.labels[::-1].copy(), first.class_names, first.names),
        ImageSet(first.images, first.labels, ("a", "b", "d"), first.names),
        ImageSet(first.images, first.labels, first.class_names, ("v", "w", "x", "y", "q")),
        ImageSet(first.images.reshape(5, 2, 2, 3)[:, ::-1], first.labels, first.class_names, first.names),
    ]
    assert first.digest() == small_set().digest()
    assert len({first.digest(), *(other.digest() for other in others[:4])}) == 5
    assert others[4].digest() == first.digest()  # its pixels are the same, laid out otherwise in memory


# --- load_listing


def test_loading_in_natural_order_with_labels() -> None:
    files = [("s10/1.png", png(10)), ("s2/10.png", png(3)), ("s2/9.png", png(2))]
    image_set, problems = load_listing(list_files(files), ImageQuery(4))
    assert problems == ()
    assert image_set.class_names == ("s2", "s10")
    assert image_set.names == ("s2/9.png", "s2/10.png", "s10/1.png")
    assert image_set.labels.tolist() == [0, 0, 1]
    assert image_set.images[:, 0, 0, 0].tolist() == [2, 3, 10]
    assert image_set.images.shape == (3, 4, 4, 3)


def test_only_the_centre_of_pictures_with_wide_margins() -> None:
    picture = Image.new("RGB", (40, 40), (0, 0, 0))
    picture.paste((255, 255, 255), (10, 10, 30, 30))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    listing = list_files([("a/1.png", buffer.getvalue()), ("b/1.png", png(7)), ("b/2.png", b"rubbish")])
    image_set, _ = load_listing(listing, ImageQuery(8, centre=0.5))
    assert image_set.images.shape == (2, 8, 8, 3)
    assert image_set.images[0, 1:-1, 1:-1].min() == 255  # the white middle, and nothing of the black margin
    assert load_listing(listing, ImageQuery(8))[0].images[0].min() == 0
    with pytest.raises(SettingsError, match="centre is"):
        load_listing(listing, ImageQuery(8, centre=1.5))


def test_what_cannot_be_read_is_left_out_and_named() -> None:
    files = [
        ("a/1.png", png(1)),
        ("a/2.png", b"rubbish"),
        ("b/1.png", b""),
        ("c/1.png", png(5)),
        ("0.png", png(6)),
    ]
    files.append(("a/song.mp3", b""))
    image_set, problems = load_listing(list_files(files), ImageQuery(4))
    assert image_set.names == ("a/1.png", "c/1.png")
    assert image_set.class_names == ("a", "c")
    assert image_set.images[:, 0, 0, 0].tolist() == [1, 5]
    assert [problem.name for problem in problems] == ["a/song.mp3", "0.png", "a/2.png", "b/1.png", "b"]


def test_classes_in_the_order_wanted_and_folders_of_classes() -> None:
    files = [(f"{a}/{c}/1.png", png(1)) for a in ("Greek", "Latin") for c in ("c1", "c2")]
    image_set, _ = load_listing(list_files(files), ImageQuery(4, classes=("Latin", "Greek/c2")))
    assert image_set.class_names == ("Latin/c1", "Latin/c2", "Greek/c2")
    assert image_set.labels.tolist() == [2, 0, 1]


def test_images_that_are_not_wanted_are_not_read() -> None:
    def fail() -> bytes:
        raise AssertionError

    entries = (ImageEntry("a", "a/1.png", lambda: png(1)), ImageEntry("b", "b/1.png", fail))
    assert len(load_listing(Listing(entries, ()), ImageQuery(4, classes=("a",)))[0]) == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "No images were found"),
        ([("song.mp3", b"")], r"song\.mp3: is not an image"),
        ([("1.png", b""), ("2.png", b"")], "2 images were found, but none in a class folder"),
        ([("1.png", b"")], "1 image was found, but none in a class folder"),
        ([("a/1.png", b"")], r"The only image cannot be read\. a/1\.png: the file is empty"),
        (
            [("a/1.png", b""), ("a/2.png", b"")],
            r"None of the 2 images can be read\. The first: a/1\.png:",
        ),
    ],
)
def test_nothing_usable(files: list[tuple[str, bytes]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_listing(list_files(files), ImageQuery(4))


def test_an_unknown_class_and_a_wrong_size() -> None:
    listing = list_files([("a/1.png", png(1))])
    with pytest.raises(DataError, match="named x"):
        load_listing(listing, ImageQuery(4, classes=("x",)))
    with pytest.raises(SettingsError, match="at least 1 pixel"):
        ImageQuery(0)
    with pytest.raises(SettingsError, match="crop, pad, stretch"):
        ImageQuery(4, "cover")  # type: ignore[arg-type]


def test_progress_comes_from_this_thread_and_ends_at_the_total() -> None:
    listing = list_files([(f"a/{i}.png", png(i)) for i in range(70)])
    calls: list[tuple[int, int, int]] = []
    load_listing(
        listing,
        ImageQuery(4),
        progress=lambda done, total: calls.append((done, total, threading.get_ident())),
    )
    assert [call[0] for call in calls] == [32, 64, 70]
    assert {call[1:] for call in calls} == {(70, threading.get_ident())}


def test_a_caller_can_stop_by_raising_from_progress() -> None:
    read = []

    def entry(i: int) -> ImageEntry:
        return ImageEntry("a", f"{i}.png", lambda: read.append(i) or png(1))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_listing(Listing(tuple(map(entry, range(3200))), ()), ImageQuery(4), stop)
    assert len(read) < 3200


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_number_of_threads_changes_nothing(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"{i % 7}/{i}.png", b"" if i % 10 == 3 else png(i)) for i in range(100)]
    monkeypatch.setattr("os.cpu_count", lambda: workers)
    image_set, problems = load_listing(list_files(files), ImageQuery(4, "pad"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone, alone_problems = load_listing(list_files(files), ImageQuery(4, "pad"))
    assert image_set.digest() == alone.digest()
    assert problems == alone_problems


# --- concatenate


def test_joining_keeps_classes_apart() -> None:
    joined = concatenate([small_set(), small_set(), small_set()])
    expected = ("a", "b", "c", "a (2)", "b (2)", "c (2)", "a (3)", "b (3)", "c (3)")
    assert joined.class_names == expected
    assert joined.labels.tolist() == [0, 1, 1, 2, 0, 3, 4, 4, 5, 3, 6, 7, 7, 8, 6]
    assert joined.names == tuple("vwxyz") * 3
    assert np.array_equal(joined.images[5:10], small_set().images)


def test_joining_names_that_look_numbered_already() -> None:
    one = ImageSet(np.zeros((0, 2, 2, 3), np.uint8), np.zeros(0, np.int64), ("a", "a (2)"), ())
    names = concatenate([one, one]).class_names
    assert len(set(names)) == 4
    assert names[:2] == ("a", "a (2)")


def test_joining_what_does_not_fit() -> None:
    other = ImageSet(np.zeros((0, 3, 3, 3), np.uint8), np.zeros(0, np.int64), ("a",), ())
    with pytest.raises(SettingsError, match="different sizes"):
        concatenate([small_set(), other])
    with pytest.raises(SettingsError, match="no image set"):
        concatenate([])
