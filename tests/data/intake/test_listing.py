"""Folders, zips and dropped files: what is found, refused, passed over."""

from __future__ import annotations

import gc
import io
import os
import stat
import struct
import unicodedata
import warnings
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsl.base.errors import DataError, ImageReadError
from fsl.data.intake.folders import list_folder, list_images
from fsl.data.intake.listing import NO_PICTURES, Listing, Problem, list_files
from fsl.data.intake.paths import display_text, folder_name_text
from fsl.data.intake.written import NAMES_FILE, names_file
from fsl.data.intake.zip_gate import ImportLimits
from fsl.data.intake.zips import list_zip


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def found(listing: Listing) -> list[tuple[str | None, str]]:
    return [(entry.class_name, entry.name) for entry in listing.entries]


def refused(listing: Listing) -> dict[str, str]:
    return {problem.name: problem.reason for problem in listing.problems}


FILES = {
    "fruit/s10/1.jpg": b"a",
    "fruit/s2/10.PNG": b"b",
    "fruit/s2/9.png": b"c",
    "fruit/readme.txt": b"",
    "fruit/.DS_Store": b"",
    "fruit/s2/Thumbs.db": b"",
    "fruit/labels.csv": b"",
    "fruit/s2/song.mp3": b"",
    "fruit/s2/photo.psd": b"8BPS\0\1",
    "__MACOSX/fruit/s2/._9.png": b"",
    ".git/x.png": b"",
}
FOUND = [("s2", "fruit/s2/9.png"), ("s2", "fruit/s2/10.PNG"), ("s10", "fruit/s10/1.jpg")]


def in_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("way", ["folder", "zip file", "zip bytes", "files"])
def test_the_same_files_give_the_same_listing_in_every_way(tmp_path: Path, way: str) -> None:
    if way == "folder":
        listing = list_images(in_folder(tmp_path, FILES))
    elif way == "zip file":
        (tmp_path / "a.zip").write_bytes(zipped(FILES))
        listing = list_images(tmp_path / "a.zip")
    elif way == "zip bytes":
        listing = list_zip(zipped(FILES))
    else:
        listing = list_files(list(FILES.items()))
    assert found(listing) == FOUND
    assert [entry.read() for entry in listing.entries] == [b"c", b"b", b"a"]
    assert listing.class_names == ("s2", "s10")
    assert sorted(refused(listing)) == ["fruit/s2/photo.psd", "fruit/s2/song.mp3"]
    assert "Photoshop" in refused(listing)["fruit/s2/photo.psd"]


def test_fruits_parts_and_what_lies_outside_them() -> None:
    files = [(p, b"") for p in ("Training/Kaki/1.jpg", "Test/Kaki/1.jpg", "papers/figure.png")]
    assert found(list_files(files)) == [("Kaki", "Test/Kaki/1.jpg"), ("Kaki", "Training/Kaki/1.jpg")]
    assert list(refused(list_files(files))) == ["papers/figure.png"]
    one = list_zip(zipped(dict(files)), part="Test")
    assert (found(one), one.problems) == ([("Kaki", "Test/Kaki/1.jpg")], ())


def test_a_problem_reads_as_one_line() -> None:
    assert str(Problem("a/1.jpg", "the file is empty")) == "a/1.jpg: the file is empty"


# --- folders without a picture

BARE = {
    "pile/apple/1.png": b"a",
    "pile/cherry/": b"",
    "pile/notes/readme.txt": b"",
    "pile/melon/.DS_Store": b"",
    "pile/plum/deep/deeper/": b"",
    "pile/song/a.mp3": b"",
    "pile/.hidden/": b"",
    "__MACOSX/pile/": b"",
}
EMPTY = ["pile/cherry", "pile/melon", "pile/notes", "pile/plum/deep/deeper"]


@pytest.mark.parametrize("way", ["folder", "zip", "windows zip", "files"])
def test_a_folder_without_a_picture_is_told(tmp_path: Path, way: str) -> None:
    if way == "folder":
        for name in BARE:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_bytes(BARE[name])
        listing = list_folder(tmp_path)
    elif way == "files":  # of which a browser gives no empty folders
        listing = list_files([(name, data) for name, data in BARE.items() if not name.endswith("/")])
    else:
        separator = "\\" if way.startswith("windows") else "/"
        listing = list_zip(zipped({name.replace("/", separator): data for name, data in BARE.items()}))
    told = {name: reason for name, reason in refused(listing).items() if name != "pile/song/a.mp3"}
    expected = ["pile/melon", "pile/notes"] if way == "files" else EMPTY
    assert list(told) == expected
    assert set(told.values()) == {NO_PICTURES}
    assert found(listing) == [("apple", "pile/apple/1.png")]


def test_an_empty_folder_of_another_part_is_not_told() -> None:
    files = {"Test/Kaki/1.jpg": b"", "Test/Plum/": b"", "Training/Pear/": b"", "Training/Kaki/1.jpg": b""}
    assert list(refused(list_zip(zipped(files)))) == ["Test/Plum", "Training/Pear"]
    assert list(refused(list_zip(zipped(files), part="test"))) == ["Test/Plum"]


def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_folder(tmp_path, {"a/1.png": b"1", "b/1.png": b"2"})
    scandir = os.scandir

    def closed(path: str) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    listing = list_folder(tmp_path)
    assert found(listing) == [("a", "a/1.png")]
    assert refused(listing) == {"b": "is a folder that cannot be opened (permission denied)"}


# --- paths


ESCAPES = ["/etc/1.png", "../1.png", "a/../../1.png", "..\\1.png", "a\\..\\..\\1.png", "C:/1.png"]
ESCAPES += ["c:\\1.png", "\\\\server\\share\\1.png", "//server/1.png", "..", "a/.."]


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("as_zip", [True, False])
def test_paths_that_lead_out_are_refused_and_the_rest_is_kept(path: str, as_zip: bool) -> None:
    files = {"good/1.png": b"fine", path: b"bad"}
    listing = list_zip(zipped(files)) if as_zip else list_files(list(files.items()))
    assert found(listing) == [("good", "good/1.png")]
    assert [problem.reason for problem in listing.problems] == ["its path leads out of the folder"]


@pytest.mark.parametrize("way", ["folder", "zip", "files"])
def test_a_class_may_begin_like_a_drive(tmp_path: Path, way: str) -> None:
    files = {"A: apples/1.png": b"", "N:A/c:1.png": b""}
    listing = {
        "folder": lambda: list_folder(in_folder(tmp_path, files)),
        "zip": lambda: list_zip(zipped(files)),
        "files": lambda: list_files(list(files.items())),
    }[way]()
    assert found(listing) == [("A: apples", "A: apples/1.png"), ("N:A", "N:A/c:1.png")]
    assert listing.problems == ()


def test_a_zip_made_on_windows_may_have_backslashes() -> None:
    assert found(list_zip(zipped({"a\\1.png": b"", "b\\1.png": b""}))) == [("a", "a/1.png"), ("b", "b/1.png")]


@pytest.mark.parametrize("top", ["", "pictures/"])
def test_a_class_that_was_added_to_an_unpacked_download(tmp_path: Path, top: str) -> None:
    """The file beside the folders does not know it, so its folder has the name of the class."""
    named = names_file({"001 a_b": "a/b", "002 tea": "tea"})
    files = {f"{top}{name}/1.png": b"" for name in ("001 a_b", "002 tea", "banana", "tea", "deep/er")}
    listing = list_folder(
        in_folder(tmp_path, files | {f"{top}{NAMES_FILE}": named, "out/1.png": b"", "2.png": b""})
    )
    classes = {entry.name.removeprefix(top): entry.class_name for entry in listing.entries}
    assert classes == {
        "001 a_b/1.png": "a/b",
        "002 tea/1.png": "tea",
        "banana/1.png": "banana",
        "tea/1.png": "tea",
        "deep/er/1.png": None,
        "out/1.png": None if top else "out",
        "2.png": None,
    }


@pytest.mark.parametrize("character", ["\n", "\x1b", "\u202e", "\u2028", "\x7f", "\x85"])
def test_names_are_made_fit_to_show(character: str) -> None:
    listing = list_files([(f"a{character}b/1.png", b""), ("c/1.png", b"")])
    assert listing.class_names == ("a\ufffdb", "c")


def test_markup_in_names_is_kept_as_text() -> None:
    assert list_files([("<b>*x*</b>a/1.png", b"")]).entries[0].name == "<b>*x*</b>a/1.png"


def test_no_letter_keeps_more_marks_than_can_be_composed_quickly() -> None:
    """Unicode's own limit is 30; composing takes the square of their number."""
    assert display_text("a" + "\u0327\u0301" * 15) == unicodedata.normalize("NFC", "a" + "\u0327\u0301" * 15)
    assert len(display_text(("a" + "\u0301\u0327" * 100_000) * 2)) <= 62


def test_accents_are_composed_so_that_names_compare_equal() -> None:
    listing = list_files([("Ana\u0301/1.png", b""), ("\u00c1na/2.png", b"")])
    assert listing.class_names == ("An\u00e1", "\u00c1na")


@pytest.mark.parametrize("way", ["folder", "zip", "files"])
def test_the_content_tells_what_a_file_is(tmp_path: Path, way: str) -> None:
    endings = ["", ".HEIC", ".photo 1", ".jpg_large", ".txt", ".dat", ".jpg.download", ".7", ".zip", ".json"]
    start = b"\x89PNG\r\n\x1a\n"
    files = {f"a/{n}{ending}": start + bytes([n]) for n, ending in enumerate(endings)}
    others = {"a/notes.txt": b"Dear all,", "a/data.yaml": b"path: x", "a/labels": b"1 2", "a/x.bin": b"\1\2"}
    every = files | others
    listing = {
        "folder": lambda: list_folder(in_folder(tmp_path, every)),
        "zip": lambda: list_zip(zipped(every)),
        "files": lambda: list_files(list(every.items())),
    }[way]()
    assert {entry.name: entry.read() for entry in listing.entries} == files
    assert listing.class_names == ("a",)
    assert set(refused(listing)) == {"a/labels", "a/x.bin"}
    assert "it looks like a text file" in refused(listing)["a/labels"]


def test_zip_names_in_utf8_without_the_flag_and_in_the_dos_set() -> None:
    """Both as other programs write them: the flag that Python would set is cleared by hand."""
    for stored, shown in (("m\u00fcsli".encode(), "m\u00fcsli"), (b"m\x81sli", "m\u00fcsli")):
        data = zipped({"m" * len(stored) + "/1.png": b"x"}).replace(b"m" * len(stored) + b"/", stored + b"/")
        listing = list_zip(data)
        assert found(listing) == [(shown, f"{shown}/1.png")]
        assert listing.entries[0].read() == b"x"


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX systems only")
def test_a_folder_name_that_is_not_utf8(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/m\xfcsli"
    os.mkdir(folder)  # noqa: PTH102 - the name is bytes
    Path(os.fsdecode(folder + b"/1.png")).write_bytes(b"x")
    listing = list_folder(tmp_path)
    assert listing.class_names == ("m\u00fcsli",)
    assert listing.entries[0].read() == b"x"


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX systems only")
def test_a_file_name_that_is_not_utf8_leaves_its_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "caf\u00e9"
    folder.mkdir()
    for name in (b"/1.png", b"/photo\xe9.png"):
        Path(os.fsdecode(os.fsencode(folder) + name)).write_bytes(b"x")
    names = [("caf\u00e9", "caf\u00e9/1.png"), ("caf\u00e9", "caf\u00e9/photo\u00e9.png")]
    assert found(list_folder(tmp_path)) == names


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=8).filter(lambda part: b"/" not in part), min_size=1))
def test_each_part_of_a_path_is_read_on_its_own(parts: list[bytes]) -> None:
    def read(raw: bytes) -> str:
        return folder_name_text(os.fsdecode(raw))

    assert read(b"/".join(parts)) == "/".join(map(read, parts))


def test_the_same_name_twice() -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a/1.png", b"first")
        archive.writestr("a/1.png", b"second")
        archive.writestr("a//1.png", b"third")
    listing = list_zip(buffer.getvalue())
    assert [entry.read() for entry in listing.entries] == [b"first"]
    assert [problem.name for problem in listing.problems] == ["a/1.png", "a/1.png"]


# --- folders


def test_links_in_ones_own_folder_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    outside = in_folder(tmp_path / "outside", {"1.png": b"one", "deep/2.png": b"two"})
    root = in_folder(tmp_path / "root", {"a/1.png": b"1"})
    (root / "a" / "out.png").symlink_to(outside / "1.png")
    (root / "a" / "in.png").symlink_to("1.png")
    (root / "a" / "again.png").symlink_to(root / "a" / "in.png")
    (root / "a" / "broken.png").symlink_to(root / "nowhere.png")
    (root / "linked").symlink_to(Path("..") / "outside")
    (root / "twice").symlink_to(root / "linked")
    (root / "loop").symlink_to(root)
    (root / "a" / "up").symlink_to("..")
    (outside / "deep" / "back").symlink_to(outside)
    listing = list_folder(root)
    inside = [f"a/{name}.png" for name in ("1", "again", "in", "out")]
    linked = [f"{name}/{file}" for name in ("linked", "twice") for file in ("1.png", "deep/2.png")]
    assert [name for _, name in found(listing)] == [*inside, *linked]
    assert {entry.name: entry.read() for entry in listing.entries}["twice/deep/2.png"] == b"two"
    circles = {"loop", "a/up", "linked/deep/back", "twice/deep/back"}
    assert set(refused(listing)) == {"a/broken.png", *circles}


def test_folders_full_of_links_to_one_another_end(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / str(number)).mkdir()
        for side in "lr":
            (tmp_path / str(number) / side).symlink_to(tmp_path / str(number + 1))
    in_folder(tmp_path / "25", {"1.png": b"x"})
    assert len(list_folder(tmp_path).entries) <= 100


def test_a_folder_that_is_itself_reached_by_a_link(tmp_path: Path) -> None:
    root = in_folder(tmp_path / "root", {"a/1.png": b"1"})
    (tmp_path / "link").symlink_to(root)
    assert found(list_images(tmp_path / "link")) == [("a", "a/1.png")]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert refused(list_folder(tmp_path)) == {"pipe.png": "is not a plain file"}


def test_a_file_that_is_gone_when_read(tmp_path: Path) -> None:
    in_folder(tmp_path, {"a/1.png": b"1"})
    entry = list_folder(tmp_path).entries[0]
    (tmp_path / "a" / "1.png").unlink()
    with pytest.raises(ImageReadError, match=r"a/1\.png: the file cannot be opened"):
        entry.read()


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(ImageReadError, match="10,240 MB; at most 64 MB"):
        list_folder(tmp_path).entries[0].read()


def test_missing_and_wrong_paths(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        list_folder(tmp_path / "none")
    with pytest.raises(DataError, match="none: there is no such file or folder"):
        list_images(tmp_path / "none")
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=r"1\.jpg: this is not a zip"):
        list_images(tmp_path / "1.jpg")


# --- zips


def entry(name: str, **fields: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_links_in_a_zip_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry("a/1.png", external_attr=(stat.S_IFLNK | 0o777) << 16), "/etc/passwd")
        archive.writestr("a/2.png", b"x")
    listing = list_zip(buffer.getvalue())
    assert found(listing) == [("a", "a/2.png")]
    assert refused(listing) == {"a/1.png": "is a link, which is not followed"}


def test_encrypted_files_are_refused() -> None:
    data = bytearray(zipped({"a/1.png": b"x", "a/2.png": b"y"}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    listing = list_zip(bytes(data))
    assert found(listing) == [("a", "a/2.png")]
    assert "encrypted" in refused(listing)["a/1.png"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_output_cannot_be_bounded_are_refused(method: int) -> None:
    assert "ordinary method" in refused(list_zip(zipped({"a/1.png": b"x" * 100}, method)))["a/1.png"]


def test_a_zip_in_a_zip_is_not_opened() -> None:
    listing = list_zip(zipped({"a/1.png": b"x", "more.zip": zipped({"b/1.png": b"y"})}))
    assert found(listing) == [("a", "a/1.png")]
    assert "archive" in refused(listing)["more.zip"]


def test_an_absurd_ratio_counts_for_large_files_only() -> None:
    listing = list_zip(zipped({"a/bomb.png": bytes(5 * 2**20), "a/blank.png": bytes(2**19)}))
    assert found(listing) == [("a", "a/blank.png")]
    assert "times its size" in refused(listing)["a/bomb.png"]


def test_one_file_that_is_too_large() -> None:
    listing = list_zip(zipped({"a/1.png": bytes(65 * 2**20)}, zipfile.ZIP_STORED))
    assert refused(listing) == {"a/1.png": "the file has 65 MB; at most 64 MB are accepted"}


def test_limits_of_the_whole_archive() -> None:
    data = zipped({f"a/{i}.png": os.urandom(1000) for i in range(20)})
    assert len(list_zip(data, limits=ImportLimits(max_entries=20, max_unpacked_bytes=20_000)).entries) == 20
    with pytest.raises(DataError, match=r"many\.zip: the zip has more than 19 files"):
        list_zip(data, "many.zip", ImportLimits(max_entries=19))
    with pytest.raises(DataError, match="unpacked it would have"):
        list_zip(data, limits=ImportLimits(max_unpacked_bytes=19_999))


def test_a_huge_directory_is_refused_before_it_is_read() -> None:
    data = bytes(33 * 2**20) + zipped({"a/1.png": b"x"})
    data = data[:-10] + struct.pack("<I", 32 * 2**20) + data[-6:]
    with pytest.raises(DataError, match="more than 100,000 files"):
        list_zip(data)


def test_a_zip_with_more_than_65535_files() -> None:
    listing = list_zip(zipped({f"c{i % 3}/{i}.png": b"" for i in range(65_540)}, zipfile.ZIP_STORED))
    assert len(listing.entries) == 65_540


def lying_zip(stated: int) -> bytes:
    """A file of 30 MB of zeros whose headers state another size."""
    data = bytearray(zipped({"a/1.png": bytes(30 * 2**20)}))
    for start, offset in ((data.index(b"PK\x03\x04"), 22), (data.index(b"PK\x01\x02"), 24)):
        data[start + offset : start + offset + 4] = struct.pack("<I", stated)
    return bytes(data)


@pytest.mark.parametrize("stated", [0, 10, 1000, 20_000])
def test_no_more_is_unpacked_than_the_size_that_was_checked(stated: int) -> None:
    listing = list_zip(lying_zip(stated))
    with pytest.raises(ImageReadError, match=r"a/1\.png: this part of the zip is damaged"):
        listing.entries[0].read()


@pytest.mark.parametrize(
    "data", [b"", b"no zip", b"PK\x05\x06", b"PK\x03\x04" + bytes(50), b"PK\x05\x06" + bytes(18)]
)
def test_what_is_no_zip(data: bytes) -> None:
    if data == b"PK\x05\x06" + bytes(18):
        assert list_zip(data) == Listing((), ())  # a proper zip without files
        return
    with pytest.raises(DataError, match=r"upload\.zip: this is not a zip"):
        list_zip(data, "upload.zip")


def test_a_damaged_entry_is_named_when_read_and_the_rest_is_fine() -> None:
    data = bytearray(zipped({"a/1.png": b"first" * 20, "a/2.png": b"second" * 20}, zipfile.ZIP_STORED))
    data[data.index(b"firstfirst")] ^= 0xFF
    one, two = list_zip(bytes(data)).entries
    with pytest.raises(ImageReadError, match=r"a/1\.png"):
        one.read()
    assert two.read() == b"second" * 20


@pytest.mark.parametrize("from_file", [True, False])
def test_reading_from_many_threads_with_few_handles(tmp_path: Path, from_file: bool) -> None:
    files = {f"a/{i}.png": os.urandom(3000) for i in range(300)}
    (tmp_path / "a.zip").write_bytes(zipped(files))
    listing = list_zip(tmp_path / "a.zip" if from_file else (tmp_path / "a.zip").read_bytes())
    with ThreadPoolExecutor(16) as pool:
        contents = list(pool.map(lambda e: e.read(), list(listing.entries) * 3))
    assert contents == [files[e.name] for e in listing.entries] * 3
    if from_file and Path("/proc/self/fd").exists():
        links = [os.readlink(p) for p in Path("/proc/self/fd").iterdir() if p.is_symlink()]  # noqa: PTH115
        assert sum(link.endswith("/a.zip") for link in links) == 1


def test_the_zip_is_closed_with_its_last_entry(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a/1.png": b"x"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        listing = list_zip(tmp_path / "a.zip")
        reader = listing.entries[0].read
        del listing
        gc.collect()
        assert reader() == b"x"
        del reader
        gc.collect()


# --- anything at all

NAMES = st.text(st.sampled_from("ab/\\.:C \n\0é<*"), min_size=1, max_size=12).map(lambda name: name + ".png")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=8))
def test_no_name_escapes(files: list[tuple[str, bytes]]) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in files:
            if not name.startswith("\0"):  # Python cannot write a name that it would cut to nothing
                archive.writestr(name, content)
    for listing in (list_files(files), list_zip(buffer.getvalue())):
        for one in listing.entries:
            parts = one.name.split("/")
            assert ".." not in parts
            assert "" not in parts
            assert not one.name.startswith("C:/")
            assert one.name.isprintable()
            assert one.read() in {content for _, content in files}


@settings(max_examples=100, deadline=None)
@given(st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 120)), min_size=8), st.randoms())
def test_a_split_data_set_has_the_order_of_a_single_folder(
    pictures: set[tuple[str, int]], random: Random
) -> None:
    """So its results are the same to the last digit, whatever part each picture lies in."""
    flat = {f"{folder}x/{number}.png": b"" for folder, number in pictures}
    split = {f"{random.choice(['train', 'Test'])}/{path}": content for path, content in flat.items()}
    for part in ("train", "Test"):  # both parts exist, and have every class
        for folder in {path.partition("/")[0] for path in flat}:
            flat[f"{folder}/{part}.png"] = split[f"{part}/{folder}/{part}.png"] = b""
    one, other = list_files(list(flat.items())), list_files(list(split.items()))
    assert [entry.name.partition("/")[2] for entry in other.entries] == [entry.name for entry in one.entries]


SAMPLE = zipped({"a/1.png": b"hello" * 10, "b/2.png": b"world" * 10, "c.txt": b"x"})


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=6),
    length=st.integers(0, len(SAMPLE)) | st.just(len(SAMPLE)),
)
def test_damaged_zips_only_ever_raise_our_errors(edits: list[tuple[int, int]], length: int) -> None:
    data = bytearray(SAMPLE)
    for place, value in edits:
        data[place] = value
    assert_readable_or_refused(bytes(data[:length]))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04"]), st.booleans())
def test_random_bytes_only_ever_raise_our_errors(data: bytes, start: bytes, with_end: bool) -> None:
    assert_readable_or_refused(start + data + (SAMPLE[-22:] if with_end else b""))


def assert_readable_or_refused(data: bytes) -> None:
    try:
        listing = list_zip(data)
    except DataError:
        return
    for one in listing.entries:
        try:
            assert len(one.read()) <= 64 * 2**20
        except ImageReadError as error:
            assert error.name == one.name
