"""Which task a request means, and which model does it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from goldcrest.errors import InvalidRequest, UnsupportedTask
from goldcrest.values import ServedModel
from goldcrest.web.hf.pipelines import PIPELINES, Pipeline

_OTHER_NAMES = {"ner": "token-classification", "sentiment-analysis": "text-classification"}


@dataclass(frozen=True, slots=True)
class Meant:
    """A request, understood.

    Attributes:
        inputs: of the type that the pipeline takes.
        parameters: likewise.
        served: the model that does it; None if none that is open does.
    """

    pipeline: Pipeline
    inputs: Any
    parameters: Any
    served: ServedModel | None


def pipeline_named(name: str) -> Pipeline:
    """The pipeline of a path.

    Raises:
        UnsupportedTask: there is no such pipeline.
    """
    wanted = _OTHER_NAMES.get(name, name)
    for pipeline in PIPELINES:
        if pipeline.name == wanted:
            return pipeline
    known = ", ".join(pipeline.name for pipeline in PIPELINES)
    raise UnsupportedTask(f"there is no pipeline {name!r}; there are: {known}")


def meaning(
    inputs: object,
    given: Mapping[str, Any],
    *,
    models: Sequence[ServedModel],
    pipelines: Sequence[Pipeline] = PIPELINES,
) -> Meant:
    """The first thing that a model does which fits the inputs and the parameters.

    What the models were trained for comes before what else they can be asked, in their order. A
    request that fits something which no open model does is understood too; who knows of the
    others will refuse it, or ask for patience.

    Args:
        inputs: as sent.
        given: the parameters, by name.
        models: those that are open and may answer.
        pipelines: those that may be meant.

    Raises:
        InvalidRequest: the request fits nothing.
    """
    offers = [*_offers(models, pipelines), *((pipeline, None) for pipeline in pipelines)]
    unfit: list[Pipeline] = []
    for pipeline, served in offers:
        if pipeline in unfit:  # whichever model does it; a large body takes long to read
            continue
        try:
            read = _read(pipeline, inputs, given)
        except msgspec.ValidationError:
            unfit.append(pipeline)
            continue
        return Meant(pipeline, *read, served)
    raise _misfit(inputs, given, unfit)


def _offers(
    models: Sequence[ServedModel], pipelines: Sequence[Pipeline]
) -> Iterator[tuple[Pipeline, ServedModel]]:
    for is_trained in (True, False):
        for model in models:
            for pipeline in pipelines:
                does = pipeline.task in model.tasks
                if does and is_trained == (pipeline.readable == model.task):
                    yield pipeline, model


def _read(pipeline: Pipeline, inputs: object, given: Mapping[str, Any]) -> tuple[Any, Any]:
    return (
        msgspec.convert(inputs, pipeline.inputs),
        msgspec.convert(given, pipeline.parameters),
    )


def _misfit(
    inputs: object, given: Mapping[str, Any], pipelines: Iterable[Pipeline]
) -> InvalidRequest:
    """Say what is wrong, to the first task whose inputs at least are right."""
    reasons = []
    for pipeline in pipelines:
        try:
            msgspec.convert(inputs, pipeline.inputs)
        except msgspec.ValidationError as error:
            reasons.append(f"these are no inputs of {pipeline.name}: {error}")
            continue
        try:
            msgspec.convert(given, pipeline.parameters)
        except msgspec.ValidationError as error:
            return InvalidRequest(f"these are no parameters of {pipeline.name}: {error}")
    return InvalidRequest(reasons[0])
