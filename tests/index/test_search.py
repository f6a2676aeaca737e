"""An index with ranking by the head finds what brute force finds; another network and damage are refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fsl.base.types import Float32Array
from fsl.embedding.shards import EmbeddingStore, ShardRows, StorePlan, open_store, write_shard
from fsl.index.build import build_index
from fsl.index.engines import EngineName
from fsl.index.nearest import nearest_by_lists
from fsl.index.search import open_index, search
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.nearest import nearest_rows
from tests.helpers.commands import run
from tests.helpers.networks import checkpoint, save_small_checkpoint
from tests.helpers.pictures import COLOURS, noisy_png


def network(head: str, weights: str, dim: int, rng: np.random.Generator) -> Checkpoint:
    """Return a network whose head has weights of one value, of one sign, or mostly of one sign."""
    made = checkpoint(widths=(4, 8), embedding_dim=dim, head=head)
    drawn = {
        "equal": np.full(dim, 3.0),
        "positive": rng.uniform(0.1, 3.0, dim),
        "mixed": np.where(np.arange(dim) == 1, -0.05, rng.uniform(0.5, 3.0, dim)),
    }[weights]
    with torch.no_grad():
        made.twin.head.weight.copy_(torch.from_numpy(drawn))
    return made


def store_of(embeddings: Float32Array, made: Checkpoint, folder: Path) -> EmbeddingStore:
    n, dim = embeddings.shape
    plan = StorePlan("test", made.digest, dim, n, "", shard_size=50)
    for number in range(plan.n_shards):
        rows = plan.rows(number)
        names = [f"{row}.png" for row in range(rows.start, rows.stop)]
        write_shard(folder, plan, number, ShardRows(names, ["class"] * len(names), embeddings[rows]))
    return open_store(folder)


def brute_force(made: Checkpoint, query: Float32Array, embeddings: Float32Array) -> Float32Array:
    """Return all similarities by the formulas of the heads, in double precision."""
    weight, bias = made.twin.head.weight.double().numpy(), float(made.twin.head.bias)
    a, b = query.astype(np.float64), embeddings.astype(np.float64)
    if made.info.model.head == "cosine":
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b, axis=1, keepdims=True)
        logits = ((a - b) ** 2) @ weight + bias
    else:
        logits = np.abs(a - b) @ weight + bias
    return 1 / (1 + np.exp(logits))


@settings(max_examples=12, deadline=None)
@given(
    head=st.sampled_from(["cosine", "absolute"]),
    weights=st.sampled_from(["equal", "positive", "mixed"]),
    is_fast=st.booleans(),
    n=st.integers(1, 190),
    dim=st.integers(2, 24),
    k=st.integers(1, 30),
    seed=st.integers(0, 2**16),
)
def test_as_brute_force(head: str, weights: str, is_fast: bool, n: int, dim: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = network(head, weights, dim, rng)
    embeddings = rng.normal(size=(n, dim)).astype(np.float32)
    queries = np.concatenate([embeddings[:1], rng.normal(size=(2, dim)).astype(np.float32)])
    engine: EngineName = "faiss" if is_fast else "exact"
    with tempfile.TemporaryDirectory() as place:
        store = store_of(embeddings, made, Path(place) / "store")
        build_index(store, made, Path(place) / "index", engine)
        index = open_index(Path(place) / "index")
        assert (index.candidates is not None) == is_fast
        found = search(index, made.twin, torch.from_numpy(queries), k)
    for query, neighbours in zip(queries, found, strict=True):
        expected = brute_force(made, query, embeddings)
        assert len({one.row for one in neighbours}) == len(neighbours) == min(k, n)
        own = [expected[one.row] for one in neighbours]
        np.testing.assert_allclose([one.similarity for one in neighbours], own, atol=2e-5)
        np.testing.assert_allclose(own, np.sort(expected)[::-1][:k], atol=2e-5)


def test_long_embeddings_are_searched_by_their_axes(tmp_path: Path) -> None:
    """Nearly all true neighbours of vectors with 600 numbers around 40 centres, from 256 bytes of each."""
    rng = np.random.default_rng(0)
    made = network("cosine", "equal", 600, rng)
    centres = rng.normal(size=(40, 600))
    embeddings = centres[rng.integers(40, size=1_500)] + 0.7 * rng.normal(size=(1_500, 600))
    queries = centres[:30] + 0.7 * rng.normal(size=(30, 600))
    embeddings, queries = embeddings.astype(np.float32), queries.astype(np.float32)
    store = store_of(embeddings, made, tmp_path / "store")
    build_index(store, made, tmp_path / "index", "faiss")
    assert (tmp_path / "index" / "candidates.faiss").stat().st_size < 0.6 * embeddings.nbytes / 4
    found = search(open_index(tmp_path / "index", 100), made.twin, torch.from_numpy(queries), 10)
    hits = 0
    for query, neighbours in zip(queries, found, strict=True):
        expected = brute_force(made, query, embeddings)
        own = [expected[one.row] for one in neighbours]
        np.testing.assert_allclose([one.similarity for one in neighbours], own, atol=2e-5)
        hits += len({one.row for one in neighbours} & set(np.argsort(-expected)[:10].tolist()))
    assert hits >= 0.97 * 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_small_checkpoint(tmp_path)
    for name in ("red", "blue", "grey"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "data" / name / f"{i}.png").write_bytes(noisy_png(COLOURS[name], i))
    return tmp_path


def test_build_and_search(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = ["--checkpoint", folder / "small.safetensors"]
    build = ["index", "build", "--data", folder / "data", "--out", folder / "index", *network]
    status, out, said = run(capsys, *build, "--engine", "faiss", "--json")
    assert (status, json.loads(out)["images"]) == (0, 12), said
    find = ["index", "search", "--index", folder / "index", "--k", "3"]
    query = ["--query", folder / "data" / "red" / "2.png"]
    status, out, _ = run(capsys, *find, *query, *network, "--json")
    assert status == 0
    found = json.loads(out)
    (result,) = found["results"]
    assert list(found) == ["results"]
    assert result["query"].endswith("red/2.png")
    assert result["neighbours"][0] == {
        "image": "red/2.png",
        "label": "red",
        "similarity": pytest.approx(1 / (1 + np.exp(-3)), abs=1e-5),
    }
    assert [one["label"] for one in result["neighbours"]] == ["red"] * 3
    assert sorted(path.name for path in folder.iterdir()) == ["data", "index", "small.safetensors"]
    assert "exists already" in run(capsys, *build)[2]
    status, _, said = run(capsys, *find, *query, "--checkpoint", "fruits")
    assert status == 1
    assert "was made with the network small" in said
    damaged = folder / "index" / "candidates.faiss"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    status, _, said = run(capsys, *find, *query, *network)
    assert (status, said.count("\n")) == (1, 1)
    assert "candidates.faiss is missing or damaged" in said


def test_pictures_need_no_class_folders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = ["--checkpoint", folder / "small.safetensors"]
    build = ["index", "build", "--data", folder / "data" / "red", "--out", folder / "index", *network]
    status, out, said = run(capsys, *build, "--json")
    assert (status, json.loads(out)["images"]) == (0, 4), said
    find = ["index", "search", "--index", folder / "index", "--query", folder / "data" / "red" / "2.png"]
    status, out, _ = run(capsys, *find, "--k", "1", *network, "--json")
    (found,) = json.loads(out)["results"][0]["neighbours"]
    assert (status, found["image"], found["label"]) == (0, "2.png", "")
    status, out, _ = run(capsys, *find, "--k", "1", *network)
    assert out.splitlines()[1].endswith("  2.png")
    status, _, said = run(capsys, *build[:-2], "--classes", folder / "absent.json", *network)
    assert status == 1  # classes are asked for


@pytest.mark.parametrize("out", [".", "../link"])
def test_an_index_in_the_empty_folder_that_the_user_is_in(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (folder / "here").mkdir()
    (folder / "link").symlink_to("here")
    monkeypatch.chdir(folder / "here")
    network = ["--checkpoint", folder / "small.safetensors"]
    status, _, said = run(capsys, "index", "build", "--data", folder / "data", "--out", out, *network)
    assert status == 0, said
    find = ["index", "search", "--index", ".", "--query", folder / "data" / "red" / "2.png", "--json"]
    (result,) = json.loads(run(capsys, *find, *network)[1])["results"]
    assert result["neighbours"][0]["image"] == "red/2.png"
    assert sorted(path.name for path in folder.iterdir()) == ["data", "here", "link", "small.safetensors"]


def test_a_build_that_found_nothing_readable_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = folder / "bad"
    for name in ("red", "blue"):
        (data / name).mkdir(parents=True)
        (data / name / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    build = ["index", "build", "--data", data, "--out", folder / "index"]
    build += ["--checkpoint", folder / "small.safetensors"]
    status, _, said = run(capsys, *build)
    assert status == 1
    assert "None of the images can be read. The first: blue/1.png" in said
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    (data / "red" / "1.png").write_bytes(noisy_png(COLOURS["red"]))
    assert run(capsys, *build)[0] == 0


def test_a_build_after_an_interrupted_one_reads_changed_pictures_again(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    network = ["--checkpoint", folder / "small.safetensors"]
    build = ["index", "build", "--data", folder / "data", "--out", folder / "index", *network]
    with monkeypatch.context() as patch:
        patch.setattr("fsl.cli.index.build_index", interrupt)
        assert run(capsys, *build)[0] == 1
    assert (folder / ".index.embeddings").is_dir()
    changed = folder / "data" / "red" / "2.png"
    changed.write_bytes(noisy_png(COLOURS["green"], 9))
    assert run(capsys, *build)[0] == 0
    find = [
        "index",
        "search",
        "--index",
        folder / "index",
        "--query",
        changed,
        *network,
        "--json",
        "--k",
        "1",
    ]
    (result,) = json.loads(run(capsys, *find, *network)[1])["results"]
    assert result["neighbours"][0]["image"] == "red/2.png"


def test_without_the_library(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of faiss is searched exactly, and the same pictures are found."""
    network = ["--checkpoint", folder / "small.safetensors"]
    data = ["--data", folder / "data", "--out", folder / "index"]
    assert run(capsys, "index", "build", *data, *network, "--engine", "faiss")[0] == 0
    find = ["index", "search", "--index", folder / "index", "--query", folder / "data", *network, "--json"]
    with_faiss = json.loads(run(capsys, *find)[1])
    monkeypatch.setattr("fsl.index.engines.find_spec", lambda _: None)
    status, out, said = run(capsys, *find)
    assert status == 0
    assert "pip install faiss-cpu" in said
    assert json.loads(out) == with_faiss


def test_lists_find_the_copies_that_comparing_all_pairs_finds() -> None:
    """Among 400 pictures of 20 things; a copy of each second one is by far the most similar to it."""
    rng = np.random.default_rng(0)
    things = rng.normal(size=(20, 64)).repeat(20, axis=0) + 0.5 * rng.normal(size=(400, 64))
    vectors = np.concatenate([things, things[::2] + 0.02 * rng.normal(size=(200, 64))]).astype(np.float32)
    unit = torch.from_numpy(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    cosines = unit.numpy() @ unit.numpy().T
    np.fill_diagonal(cosines, -2)
    true = np.argsort(-cosines, axis=1)[:, :6]
    found = nearest_by_lists(unit, 6)
    assert np.array_equal(np.sort(nearest_rows(unit, 6)), np.sort(true))
    assert not (found == torch.arange(600)[:, None]).any()
    assert found[400:, 0].tolist() == list(range(0, 400, 2))
    assert np.mean([len({*a} & {*b}) for a, b in zip(found.tolist(), true.tolist(), strict=True)]) > 5.5
