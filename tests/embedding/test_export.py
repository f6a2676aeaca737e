"""Files of embeddings, read back."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.embedding.export import embeddings_csv, embeddings_npz, make_sprite, projector_zip
from fsl.embedding.labelled import NO_CLASS, LabelledEmbeddings
from fsl.embedding.sample import spread_sample

POINTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def images() -> LabelledEmbeddings:
    embeddings = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
    labels = np.array([0, 1, NO_CLASS])
    return LabelledEmbeddings(embeddings, labels, ("=cmd()", "pear"), ("a.png", "b\tc\n.png", "@q.png"))


def test_csv_is_complete_and_safe_to_open() -> None:
    rows = list(csv.reader(io.StringIO(embeddings_csv(images(), POINTS))))
    assert rows[0] == ["name", "class", "x", "y", "e0", "e1", "e2", "e3"]
    assert rows[1][:4] == ["a.png", "'=cmd()", "0", "1"]
    assert rows[3][:2] == ["'@q.png", ""]
    values = np.array([row[4:] for row in rows[1:]], dtype=float)
    np.testing.assert_allclose(values, images().embeddings, rtol=1e-5)
    assert embeddings_csv(images(), None).startswith("name,class,e0")


def test_npz_loads_without_pickle() -> None:
    with np.load(io.BytesIO(embeddings_npz(images(), POINTS)), allow_pickle=False) as file:
        assert (file["embeddings"] == images().embeddings).all()
        assert (file["coordinates"] == POINTS).all()
        assert file["names"].tolist() == list(images().names)
        assert file["labels"].tolist() == [0, 1, NO_CLASS]
        assert file["class_names"].tolist() == ["=cmd()", "pear"]


def test_projector_files_agree_with_each_other() -> None:
    sprite = make_sprite((Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")), 3, 16)
    with zipfile.ZipFile(io.BytesIO(projector_zip(images(), sprite))) as archive:
        vectors = archive.read("vectors.tsv").decode().splitlines()
        metadata = [line.split("\t") for line in archive.read("metadata.tsv").decode().splitlines()]
        config = archive.read("projector_config.pbtxt").decode()
        picture = Image.open(io.BytesIO(archive.read("sprite.png")))
    assert [len(line.split("\t")) for line in vectors] == [4, 4, 4]
    assert metadata == [["name", "class"], ["a.png", "'=cmd()"], ["b c .png", "pear"], ["'@q.png", "-"]]
    assert "single_image_dim: 16" in config
    assert picture.size == (32, 32)
    assert picture.getpixel((24, 8)) == (0, 128, 0)


def test_a_sprite_that_is_too_large_is_refused() -> None:
    with pytest.raises(SettingsError, match="do not fit"):
        make_sprite(iter(()), 5000, 200)


def test_labels_and_names_must_fit() -> None:
    with pytest.raises(SettingsError, match="3 names"):
        LabelledEmbeddings(np.zeros((2, 4), np.float32), np.zeros(3, np.int64), ("a",), ("x", "y", "z"))
    with pytest.raises(SettingsError, match="Labels"):
        LabelledEmbeddings(np.zeros((1, 4), np.float32), np.array([1]), ("a",), ("x",))


def test_a_sample_draws_from_every_class() -> None:
    labels = ["a"] * 100 + ["b"] * 3 + ["c"] * 20
    rows = spread_sample(labels, 15)
    assert rows == sorted(set(rows))
    assert [sum(labels[row] == name for row in rows) for name in "abc"] == [6, 3, 6]
    assert spread_sample(labels, 15) == rows
    assert spread_sample(labels, 500) == list(range(123))
