"""Folders of many shards."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from fsl.base.errors import DataError
from fsl.embedding import shards
from fsl.embedding.shards import ShardInfo, StorePlan, open_store, shard_path, standing_shards


def test_work_grows_with_the_number_of_shards_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of all files for each shard would look at 90,000 names here."""
    n = 300
    plan = StorePlan("test", "", 8, n, "", shard_size=1)
    there = [shard_path(tmp_path, number) for number in range(n)]
    monkeypatch.setattr(shards, "_shard_files", lambda folder: there)
    monkeypatch.setattr(shards, "_info", lambda file: ShardInfo(plan, 1, (), ""))
    hashed: list[PurePath] = []
    usual = PurePath.__hash__
    monkeypatch.setattr(PurePath, "__hash__", lambda path: hashed.append(path) or usual(path))  # type: ignore[func-returns-value]
    assert open_store(tmp_path).n_rows == n
    assert standing_shards(tmp_path, plan, lambda number, info: True) == set(range(n))
    assert n < len(hashed) < 10 * n
    del there[4:6]
    with pytest.raises(DataError, match="2 shards of 300 missing"):
        open_store(tmp_path)
