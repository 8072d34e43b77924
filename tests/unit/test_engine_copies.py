"""A copy of an engine answers as the first does, outlives it, and leaves nothing on the disk."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from goldcrest.artifact import Artifact
from goldcrest.batching.lane import specimen
from goldcrest.engine.openvino import OpenVinoEngine
from goldcrest.errors import EngineFailed
from goldcrest.values import Shape

GRIDS = [specimen(shape, n_jobs=3) for shape in (Shape(1, 16), Shape(3, 64), Shape(1, 16))]


@pytest.fixture
def engine(tiny: Artifact) -> Iterator[OpenVinoEngine]:
    first = OpenVinoEngine.compile(tiny.variant("f32"), precision="f32", hint="f32", n_threads=1)
    yield first
    first.close()


def answers(engine: OpenVinoEngine) -> list[dict[str, np.ndarray]]:
    return [{name: array.copy() for name, array in engine.run(grid).items()} for grid in GRIDS]


def no_rest(_worked_s: float) -> None:
    pass


def test_copies_of_copies_answer_bit_for_bit_when_the_first_is_gone(engine, tmp_path: Path):
    expected, last = answers(engine), engine

    for _ in range(3):
        copy = last.copy(tmp_path, no_rest)
        last.close()
        last = copy
        found = answers(last)
        assert [one.keys() for one in expected] == [one.keys() for one in found]
        for one, other in zip(expected, found, strict=True):
            assert all(np.array_equal(one[name], other[name]) for name in one)

    assert "f32" == last.precision
    last.close()


def test_a_copy_leaves_no_file(engine, tmp_path: Path):
    engine.copy(tmp_path / "new", no_rest).close()

    assert [] == list((tmp_path / "new").iterdir())


def test_every_long_step_is_followed_by_a_rest(engine, tmp_path: Path):
    worked_s: list[float] = []

    again = engine.copy(tmp_path, worked_s.append).copy(tmp_path, worked_s.append)

    assert 3 + 1 == len(worked_s)  # what was exported once serves all
    assert all(seconds > 0 for seconds in worked_s)
    again.close()


def test_where_there_is_no_folder_there_is_no_copy(engine, tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        engine.copy(tmp_path / "file", no_rest)

    assert answers(engine)


def test_where_the_disk_takes_no_more_there_is_no_copy(engine, tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            engine.copy(tmp_path, no_rest)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [] == list(tmp_path.iterdir())
    assert answers(engine)


def test_an_engine_that_was_closed_says_so(engine, tmp_path: Path):
    engine.close()

    with pytest.raises(EngineFailed, match="closed"):
        engine.run(GRIDS[0])
    with pytest.raises(EngineFailed, match="closed"):
        engine.copy(tmp_path, no_rest)
