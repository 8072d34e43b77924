"""What many tests need: tiny models, compiled once, and a cache folder of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldcrest.artifact import Artifact
from goldcrest.config import CacheConfig, Config, EngineConfig
from goldcrest.testing import tiny_artifact


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A classifier with three labels."""
    return tiny_artifact(tmp_path_factory.mktemp("tiny") / "classifier", n_labels=3)


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An embedder of the BERT family that pools by the mean."""
    folder = tmp_path_factory.mktemp("tiny") / "embedder"
    return tiny_artifact(folder, family="bert", pooling="mean", normalize=True)


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings that touch nothing outside the tests: a cache of their own, two threads."""
    cache = CacheConfig(folder=str(tmp_path_factory.mktemp("cache")))
    return Config(cache=cache, engine=EngineConfig(threads=2))


@pytest.fixture
def texts() -> list[str]:
    """Texts of many lengths, the empty one included."""
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs"]
    return [" ".join((words * 9)[start : start + n]) for start, n in enumerate((*range(40), 90))]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "new"
