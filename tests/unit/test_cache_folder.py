"""The cache folder when it is full, in the way, or wanted by several at once."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from goldcrest.app.library import load
from goldcrest.app.source import find_artifact
from goldcrest.config import CacheConfig, Config, EngineConfig
from goldcrest.errors import ArtifactError
from goldcrest.model.notebook import Notebook
from goldcrest.testing import random_checkpoint
from goldcrest.turn import turn


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(random_checkpoint(tmp_path_factory.mktemp("source") / "tiny"))


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_checkpoint_is_served_from_elsewhere_where_a_file_is_in_the_way(
    checkpoint: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("in the way")

    artifact = find_artifact(checkpoint, cache=tmp_path / "cache")

    artifact.verify("f32")
    assert ["for this time only"] == [
        one.getMessage().rpartition(", ")[2]
        for one in caplog.records
        if one.levelno == logging.WARNING
    ]


def test_a_full_disk_is_told_in_one_sentence(checkpoint: str, tmp_path: Path) -> None:
    with full_disk(64), pytest.raises(ArtifactError, match="cannot be written"):
        find_artifact(checkpoint, cache=tmp_path / "cache")

    assert [] == [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size]


def test_a_model_answers_though_nothing_can_be_noted(checkpoint: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    config = Config(cache=CacheConfig(folder=str(cache)), engine=EngineConfig(threads=1))
    find_artifact(checkpoint, cache=cache)

    with full_disk(1), load(checkpoint, config) as model:
        found = model.classify(["a text"])

    assert 1 == len(found)
    assert [] == list(cache.rglob("measured/*.json"))


def test_notes_are_kept_in_memory_while_the_disk_is_full(tmp_path: Path) -> None:
    with full_disk(1):
        Notebook(tmp_path, ("a",)).choose("auto", "f32+f32")

    assert {"auto": "f32+f32"} == Notebook(tmp_path, ("a",)).read().choices
    assert [] == list((tmp_path / "measured").glob("*.json"))


def test_who_wants_the_same_artifact_at_once_compiles_it_once(
    checkpoint: str, tmp_path: Path
) -> None:
    steps: list[str] = []

    with ThreadPoolExecutor(3) as pool:
        found = list(
            pool.map(
                lambda _: find_artifact(checkpoint, cache=tmp_path, progress=steps.append), range(3)
            )
        )

    assert 1 == steps.count("building the graph")
    assert 1 == len({artifact.folder for artifact in found})


def test_a_turn_is_given_back_at_the_end(tmp_path: Path) -> None:
    with turn(tmp_path / "lock", patience_s=0) as first:
        pass
    with turn(tmp_path / "lock", patience_s=0) as second:
        pass

    assert (True, True) == (first, second)


def test_who_has_no_patience_works_beside_the_other(tmp_path: Path) -> None:
    with (
        turn(tmp_path / "lock", patience_s=0),
        turn(tmp_path / "lock", patience_s=0) as is_alone,
    ):
        assert not is_alone


def test_where_no_lock_can_be_made_the_work_is_done_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with turn(tmp_path / "file" / "lock", patience_s=0) as is_alone:
        assert not is_alone
