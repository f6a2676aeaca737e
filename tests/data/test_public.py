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
from fsl.data.builtin import BUILTIN_SETS, builtin_set
from fsl.data.download import Answer, Fetch
from fsl.data.examples import fruits_sample
from fsl.data.loading import load_images


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
    assert not public.public_is_here("olivetti", tmp_path)
    found = public.public_set("olivetti", 64, "crop", cache=tmp_path, fetch=given(content))
    assert public.public_is_here("olivetti", tmp_path)
    assert not public.public_is_here("omniglot-background", tmp_path)
    assert found.n_classes == 4
    assert (found.images[..., 0] == faces).all()
    again = public.public_set("olivetti", 64, "crop", cache=tmp_path, fetch=offline)  # from the cache
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
    found = public.public_set("omniglot-background", 28, "pad", cache=tmp_path, fetch=given(content))
    assert found.class_names == tuple(f"{a}/character0{c}" for a in ("Greek", "Latin") for c in (1, 2))
    assert len(found) == 12


def test_the_fruit_are_here_when_all_are(tmp_path: Path) -> None:
    assert not public.public_is_here("fruits360-sample", tmp_path)
    for row in fruits_sample():
        path = tmp_path / "fruits360-sample" / row.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert public.public_is_here("fruits360-sample", tmp_path)
    path.unlink()
    assert not public.public_is_here("fruits360-sample", tmp_path)
    assert not public.public_is_here("digits", tmp_path)


@pytest.mark.parametrize("name", sorted(public.PUBLIC_SETS))
def test_offline_is_said_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs a connection to the internet"):
        public.public_set(name, 32, "crop", cache=tmp_path, fetch=offline)


@pytest.mark.parametrize("name", ["olivetti", "omniglot-background"])
def test_another_file_than_expected_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the expected one"):
        public.public_set(name, 32, "crop", cache=tmp_path, fetch=given(b"<html>log in</html>"))
    assert not any(tmp_path.rglob("*.mat"))


@pytest.mark.parametrize("name", sorted(BUILTIN_SETS))
def test_built_in_sets(name: str) -> None:
    found = builtin_set(name, 16, per_class=3)
    assert np.bincount(found.labels).tolist() == [3] * found.n_classes
    assert found.size == 16
    assert found.digest() == builtin_set(name, 16, per_class=3).digest()
    assert found.digest() != builtin_set(name, 16, per_class=3, seed=1).digest()


def test_names_lead_to_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.json").write_text('["digit 3", "digit 7"]')
    classes = str(tmp_path / "two.json")
    found = load_images("digits", 16, "crop", classes=classes, report=lambda problems: None)
    assert found.class_names == ("digit 3", "digit 7")
    with pytest.raises(DataError, match="no such folder"):
        load_images("nowhere", 16, "crop", report=lambda problems: None)
    with pytest.raises(DataError, match="no public data set"):
        public.public_set("nothing", 16, "crop", cache=tmp_path)
    with pytest.raises(SettingsError):
        builtin_set("rendered", 4)
