"""The answers that a server keeps: as the settings say, for all of its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version as version_of

from goldcrest.breaker import HUB
from goldcrest.config import Config
from goldcrest.model.version import Version
from goldcrest.records import Sample
from goldcrest.serving.cache import Answers
from goldcrest.serving.shared import open_shared
from goldcrest.values import Infer


def open_answers(config: Config) -> Answers:
    """Make room for answers; nothing is connected yet.

    Raises:
        ConfigError: the second level cannot be used as the settings have it.
    """
    return Answers(
        config.cache.answers_mib * 2**20,
        ttl_s=config.cache.ttl_s,
        unnamed=config.priority.unnamed,
        shared=open_shared(config.cache) if config.cache.answers_mib else None,
        release=version_of("goldcrest"),
    )


def around(answers: Answers, config: Config) -> Callable[[Version], Infer]:
    """What stands around each version: the cache, unless it or the model is switched off."""
    kept = {model.name for model in config.models if model.cache and config.cache.answers_mib}
    return lambda version: answers.around(version) if version.name in kept else version.infer


def samples(answers: Answers) -> Iterator[Sample]:
    """What is told to the metrics of kept answers, and of the breakers before what is far away."""
    yield from answers.samples()
    yield from HUB.samples()
