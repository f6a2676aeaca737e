"""Sets from public homes, with the homes played by the tests: nothing here leaves the machine."""

import hashlib
import io
import urllib.error
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fsl.base.errors import DataError, SettingsError
from fsl.data import public
from fsl.data.catalogue import open_source
from fsl.data.download import Answer, Fetch
from fsl.data.examples import fruits_sample
from fsl.data.public import public_sources
from fsl.data.query import ImageQuery

NAMES = ("fruits360-sample", "olivetti", "omniglot-background")


def given(content: bytes) -> Fetch:
    return lambda url, start: Answer(0, len(content), iter([content]))


def offline(url: str, start: int) -> Answer:
    raise urllib.error.URLError("no route to host")


def test_olivetti(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = np.random.default_rng(0).integers(0, 255, (40, 64, 64), dtype=np.uint8)  # 4 people
    columns = faces.transpose(0, 2, 1).reshape(40, -1).T
    buffer = io.BytesIO()
    savemat(buffer, {"faces": columns})
    content = buffer.getvalue()
    row = replace(public.OLIVETTI, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(public, "OLIVETTI", row)
    sources = public_sources(tmp_path, given(content))
    assert not sources["olivetti"].is_here
    found, _ = sources["olivetti"].load(ImageQuery(64))
    assert sources["olivetti"].is_here
    assert not sources["omniglot-background"].is_here
    assert found.n_classes == 4
    assert (found.images[..., 0] == faces).all()
    again, _ = public_sources(tmp_path, offline)["olivetti"].load(ImageQuery(64))  # from the cache
    assert again.digest() == found.digest()


def test_omniglot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for alphabet in ("Greek", "Latin"):
            for character in (1, 2):
                for i in range(3):
                    picture = io.BytesIO()
                    Image.new("1", (105, 105), i % 2).save(picture, "PNG")
                    name = f"images_background/{alphabet}/character0{character}/{i}.png"
                    archive.writestr(name, picture.getvalue())
    content = buffer.getvalue()
    row = replace(public.OMNIGLOT, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(public, "OMNIGLOT", row)
    source = public_sources(tmp_path, given(content))["omniglot-background"]
    assert source.class_names() == ()  # they are known only after the download
    found, problems = source.load(ImageQuery(28, "pad"))
    assert problems == ()
    assert found.class_names == source.class_names()
    assert found.class_names == tuple(f"{a}/character0{c}" for a in ("Greek", "Latin") for c in (1, 2))
    assert len(found) == 12


def test_the_fruit_are_here_when_all_are(tmp_path: Path) -> None:
    source = public_sources(tmp_path, offline)["fruits360-sample"]
    assert not source.is_here
    for row in fruits_sample():
        path = tmp_path / "fruits360-sample" / row.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert source.is_here
    path.unlink()
    assert not source.is_here
    assert source.class_names()[:2] == ("Banana", "Blueberry")  # known without the files


@pytest.mark.parametrize("name", NAMES)
def test_offline_is_said_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs a connection to the internet"):
        public_sources(tmp_path, offline)[name].load(ImageQuery(32))


@pytest.mark.parametrize("name", ["olivetti", "omniglot-background"])
def test_another_file_than_expected_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the expected one"):
        public_sources(tmp_path, given(b"<html>log in</html>"))[name].load(ImageQuery(32))
    assert not any(tmp_path.rglob("*.mat"))


@pytest.mark.parametrize("name", ["digits", "rendered"])
def test_built_in_sets(name: str) -> None:
    query = ImageQuery(16, per_class=3)
    found, problems = open_source(name).load(query)
    assert problems == ()
    assert np.bincount(found.labels).tolist() == [3] * found.n_classes
    assert found.size == 16
    assert found.digest() == open_source(name).load(query)[0].digest()
    with pytest.raises(SettingsError, match="has no parts"):
        open_source(name).load(ImageQuery(16, part="Test"))
    with pytest.raises(SettingsError, match="has no margins"):
        open_source(name).load(ImageQuery(16, centre=0.5))


def test_the_drawn_set_refuses_sizes_that_show_nothing() -> None:
    with pytest.raises(SettingsError):
        open_source("rendered").load(ImageQuery(4))
