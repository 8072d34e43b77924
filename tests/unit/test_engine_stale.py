"""What a run reads is what was put in last, and what comes back is never what the run before put out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldcrest.artifact import Artifact
from goldcrest.batching.lane import specimen
from goldcrest.engine.openvino import OpenVinoEngine
from goldcrest.errors import EngineFailed
from goldcrest.packing.grid import Buffers, fill
from goldcrest.testing import tiny_artifact
from goldcrest.values import Encoding, Plan, Shape


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return tiny_artifact(tmp_path_factory.mktemp("tiny"))


def opened(file: Path) -> OpenVinoEngine:
    return OpenVinoEngine.compile(file, precision="f32", hint="f32", n_threads=1)


class Lazy:
    """Keeps what a request gave before, and runs nothing."""

    def __init__(self, request: Any) -> None:
        self.output_tensors = request.output_tensors

    def set_tensor(self, name: str, tensor: Any) -> None:
        pass

    def start_async(self) -> None:
        pass

    def wait(self) -> None:
        pass


def test_what_is_put_into_the_same_arrays_is_read_anew(artifact: Artifact):
    buffers, engine = Buffers(), opened(artifact.variant("f32"))
    rng = np.random.default_rng(3)
    narrow, wide = Plan(Shape(1, 16), ((0, 1),)), Plan(Shape(2, 64), ((0,), (1,)))

    for plan in (narrow, narrow, wide, narrow, wide, wide):
        texts = [Encoding(rng.integers(1, 90, 8).astype(np.int32)) for _ in range(2)]
        found = np.array(engine.run(fill(plan, texts, buffers))["logits"])
        fresh = opened(artifact.variant("f32")).run(fill(plan, texts))["logits"]
        assert np.array_equal(fresh, found)


def test_what_was_put_out_before_is_not_taken_for_an_answer(artifact: Artifact):
    engine = opened(artifact.variant("f32"))
    grid = specimen(Shape(1, 16), n_jobs=2)
    first = np.array(engine.run(grid)["logits"])
    request = engine._request()
    request._request = Lazy(request._request)

    with pytest.raises(EngineFailed, match="without having run"):
        engine.run(grid)

    assert np.array_equal(first, engine.run(grid)["logits"])  # by a fresh request
