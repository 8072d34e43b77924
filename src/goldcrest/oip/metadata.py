"""What a server and its models say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from goldcrest.errors import GoldcrestError, Loading, NotServed
from goldcrest.names import Readable
from goldcrest.oip.inference import VERSION
from goldcrest.serving.service import Catalogue, Service
from goldcrest.values import ServedModel

PLATFORM = "goldcrest"
EXTENSIONS = ("binary_tensor_data", "classification", "model_repository", "parameters")
"""Beside the required part, by the names that clients know."""

State = Literal["READY", "LOADING", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """A tensor that a model takes or gives; a size of -1 is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model takes and gives when nothing but its inputs is sent."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """A model of the settings.

    Attributes:
        reason: why it is not ready; empty if it is.
    """

    name: str
    version: str
    state: State
    reason: str


def metadata(model: ServedModel) -> ModelMetadata:
    """Describe a model's own task."""
    is_reranker = "rerank" in model.tasks
    return ModelMetadata(
        model.name,
        (VERSION,),
        PLATFORM,
        _PAIR_INPUTS["rerank"] if is_reranker else _PAIR_INPUTS.get(model.task, (_texts("text"),)),
        (_vector("score"),) if is_reranker else _OUTPUTS[model.task](model),
    )


def served(catalogue: Catalogue, name: str, version: str = "") -> ServedModel:
    """The model of that name.

    Raises:
        NotServed: there is none, or not in that version.
        Unavailable: it is not open.
    """
    if version not in ("", VERSION):
        raise NotServed(f"the model {name!r} has the version {VERSION} alone, not {version!r}")
    for model in catalogue.models():
        if model.name == name:
            return model
    catalogue.tokenizer(name)  # knows why it is not open
    raise Loading(f"the model {name!r} is still loading")


def is_ready(service: Service, name: str, version: str = "") -> bool:
    """Whether a model can answer now.

    Raises:
        NotServed: there is none, or not in that version.
    """
    try:
        model = served(service.catalogue, name, version)
    except NotServed:
        raise
    except GoldcrestError:
        return False
    return model.is_ready and not service.is_draining


def index(catalogue: Catalogue, *, ready_only: bool = False) -> tuple[ModelIndex, ...]:
    """Every model of the settings and its state, in their order."""
    entries = [_entry(catalogue, name) for name in catalogue.expected]
    return tuple(entry for entry in entries if entry.state == "READY" or not ready_only)


def _entry(catalogue: Catalogue, name: str) -> ModelIndex:
    try:
        model = served(catalogue, name)
    except Loading as error:
        return ModelIndex(name, VERSION, "LOADING", str(error))
    except GoldcrestError as error:
        return ModelIndex(name, VERSION, "UNAVAILABLE", str(error))
    if not model.is_open:
        reason = f"the model {name!r} is opened by the first request that needs it"
        return ModelIndex(name, VERSION, "UNAVAILABLE", reason)
    if not model.is_ready:
        return ModelIndex(name, VERSION, "LOADING", f"the model {name!r} is not warm yet")
    return ModelIndex(name, VERSION, "READY", "")


def _texts(name: str) -> TensorMetadata:
    return TensorMetadata(name, "BYTES", (-1,))


def _vector(name: str, datatype: str = "FP32") -> TensorMetadata:
    return TensorMetadata(name, datatype, (-1,))


def _of_classifier(model: ServedModel) -> tuple[TensorMetadata, ...]:
    scores = TensorMetadata("scores", "FP32", (-1, len(model.labels)))
    return scores, _texts("label"), _vector("score")


def _of_embedder(model: ServedModel) -> tuple[TensorMetadata, ...]:
    return (TensorMetadata("embedding", "FP32", (-1, model.dimensions)),)


def _of_tagger(_: ServedModel) -> tuple[TensorMetadata, ...]:
    return (_texts("entities"),)


def _of_reader(_: ServedModel) -> tuple[TensorMetadata, ...]:
    places = _vector("start", "INT32"), _vector("end", "INT32")
    return _texts("answers"), _texts("answer"), _vector("score"), *places


def _of_filler(_: ServedModel) -> tuple[TensorMetadata, ...]:
    return (_texts("fillings"),)


_PAIR_INPUTS: Mapping[str, tuple[TensorMetadata, ...]] = {
    "rerank": (_texts("query"), _texts("text")),
    "span": (_texts("question"), _texts("context")),
}
_OUTPUTS: Mapping[Readable, Callable[[ServedModel], tuple[TensorMetadata, ...]]] = {
    "classify": _of_classifier,
    "embed": _of_embedder,
    "tokens": _of_tagger,
    "span": _of_reader,
    "fill": _of_filler,
}
