"""What clients of Text Embeddings Inference send and read.

Shapes and statuses from https://huggingface.github.io/text-embeddings-inference/. Fields that are
not known here are passed over, as TEI does; ``model`` is ours, since TEI serves a single one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from goldcrest.errors import (
    DeadlineExceeded,
    EmptyInput,
    EngineFailed,
    InvalidRequest,
    NotServed,
    Overloaded,
    ServingError,
    Unauthorized,
    Unavailable,
    UnsupportedTask,
)
from goldcrest.values import EncodeOptions
from goldcrest.web.inputs import TokenId
from goldcrest.web.items import encode_options
from goldcrest.web.response import Fault, Problems

Prompt = Annotated[
    str | None, Meta(description="a prompt of the model, put before every text; null: its default")
]
Texts = Annotated[
    str | list[str | TokenId | list[TokenId]],
    Meta(description="a text, token ids, or a list of either"),
]
ErrorType = Literal[
    "Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty", "Unauthorized"
]


class Truncated(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of texts that are too long, and who answers."""

    truncate: Annotated[
        bool | None, Meta(description="cut longer texts; false: refuse them; null: cut")
    ] = None
    truncation_direction: Annotated[
        Literal["Right", "Left", "right", "left"],
        Meta(description="the end that is cut; only right is supported"),
    ] = "Right"
    model: Annotated[
        str | None, Meta(description="a served model; null: the default of the task")
    ] = None

    def encode(self) -> EncodeOptions:
        """The same in the service's words.

        Raises:
            InvalidRequest: texts are to be cut at their beginning.
        """
        if self.truncation_direction.lower() == "left":
            raise InvalidRequest("truncation_direction 'left' is not supported; only 'right' is")
        return encode_options(None, truncate=self.truncate is not False)


class EmbedAllRequest(Truncated, frozen=True, kw_only=True):
    """Texts, or lists of token ids."""

    inputs: Texts
    prompt_name: Prompt = None


class EmbedRequest(EmbedAllRequest, frozen=True, kw_only=True):
    """Texts, or lists of token ids, and what their vectors shall be like."""

    normalize: Annotated[bool, Meta(description="vectors of length 1")] = True
    dimensions: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="keep only so many leading dimensions; null: all"),
    ] = None


class PredictRequest(Truncated, frozen=True, kw_only=True):
    """A text, a pair, or a list of lists of one or two texts."""

    inputs: Annotated[
        str | list[str | Annotated[list[str], Meta(min_length=1, max_length=2)]],
        Meta(description="a text; two texts, which are one pair; or lists of one or two texts"),
    ]
    raw_scores: Annotated[bool, Meta(description="bare logits instead of probabilities")] = False


class Prediction(msgspec.Struct, frozen=True):
    """One label."""

    score: Annotated[float, Meta(description="its probability, or its logit")]
    label: str


class RerankRequest(Truncated, frozen=True, kw_only=True):
    """A query, and the texts that may answer it."""

    query: str
    texts: list[str]
    raw_scores: Annotated[bool, Meta(description="bare logits instead of their sigmoids")] = False
    return_text: bool = False


class Rank(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text."""

    index: Annotated[int, Meta(description="its place in the request")]
    score: float
    text: str | None = None


class SimilarityInputs(msgspec.Struct, frozen=True):
    """A sentence, and those it is compared with."""

    source_sentence: str
    sentences: list[str]


class SimilarityParameters(Truncated, frozen=True, kw_only=True):
    """Options of the comparison."""

    prompt_name: Prompt = None


class SimilarityRequest(msgspec.Struct, frozen=True):
    """Sentences to compare."""

    inputs: SimilarityInputs
    parameters: SimilarityParameters | None = None
    model: Annotated[str | None, Meta(description="a served model; null: the default")] = None


class TokenizeRequest(msgspec.Struct, frozen=True):
    """Texts to split into tokens."""

    inputs: str | list[str]
    add_special_tokens: bool = True
    prompt_name: Annotated[str | None, Meta(description="not supported; must be null")] = None
    model: Annotated[str | None, Meta(description="a served model; null: the first")] = None


class SimpleToken(msgspec.Struct, frozen=True):
    """One token; one that was added has no place in the text."""

    id: int
    text: str
    special: bool
    start: Annotated[int | None, Meta(description="its first character")]
    stop: Annotated[int | None, Meta(description="its last character plus one")]


class DecodeRequest(msgspec.Struct, frozen=True):
    """Token ids to turn into text."""

    ids: list[TokenId | list[TokenId]]
    skip_special_tokens: bool = True
    model: Annotated[str | None, Meta(description="a served model; null: the first")] = None


class ClassifierType(msgspec.Struct, frozen=True):
    """The labels of a classifier, both ways."""

    id2label: dict[str, str]
    label2id: dict[str, int]


class EmbeddingType(msgspec.Struct, frozen=True):
    """How an embedder makes one vector of many."""

    pooling: str


class ModelType(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the model is: one of the three."""

    classifier: ClassifierType | None = None
    embedding: EmbeddingType | None = None
    reranker: ClassifierType | None = None


class Info(msgspec.Struct, frozen=True):
    """The first model that is served, and the limits of the server."""

    model_id: str
    model_sha: Annotated[str, Meta(description="digest of the artifact")]
    model_dtype: str
    served_model_name: str
    model_type: ModelType
    max_concurrent_requests: Annotated[
        int, Meta(description="texts of the greatest length that may wait at once")
    ]
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str


class TeiErrorReply(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: str
    error_type: ErrorType


_TYPES: Mapping[type[ServingError], ErrorType] = {
    ServingError: "Backend",
    InvalidRequest: "Validation",
    EmptyInput: "Empty",
    Unauthorized: "Unauthorized",
    NotServed: "Validation",
    UnsupportedTask: "Backend",
    Overloaded: "Overloaded",
    DeadlineExceeded: "Overloaded",
    Unavailable: "Unhealthy",
}


def _told(fault: Fault) -> TeiErrorReply:
    if fault.error is None:
        return TeiErrorReply(fault.message, "Backend" if fault.status >= 500 else "Validation")
    kinds = type(fault.error).__mro__
    return TeiErrorReply(fault.message, next(_TYPES[kind] for kind in kinds if kind in _TYPES))


TEI = Problems(TeiErrorReply, _told, {EmptyInput: 400, UnsupportedTask: 424, EngineFailed: 424})
"""Where TEI's statuses differ from ours, its clients get TEI's."""
