"""The rows of the table of routes for clients of Text Embeddings Inference."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from goldcrest.errors import (
    BodyTooLarge,
    Draining,
    EmptyInput,
    InvalidRequest,
    Loading,
    MalformedRequest,
    TooManyCharacters,
    TooManyItems,
    TooManyTokens,
    UnknownModel,
    Unloaded,
    UnsupportedTask,
)
from goldcrest.web.endpoint import Endpoint
from goldcrest.web.items import PREDICT_ERRORS
from goldcrest.web.rows import Row, Rows
from goldcrest.web.tei import predicting, telling
from goldcrest.web.tei.words import (
    TEI,
    DecodeRequest,
    EmbedAllRequest,
    EmbedRequest,
    Info,
    Prediction,
    PredictRequest,
    Rank,
    RerankRequest,
    SimilarityRequest,
    SimpleToken,
    TokenizeRequest,
)

_Cube = Annotated[
    msgspec.Raw,
    Meta(
        extra_json_schema={
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "number", "format": "float"}},
            },
        }
    ),
]
_TOKEN_ERRORS = (
    MalformedRequest,
    InvalidRequest,
    EmptyInput,
    TooManyItems,
    TooManyCharacters,
    TooManyTokens,
    BodyTooLarge,
    UnknownModel,
    UnsupportedTask,
    Loading,
    Unloaded,
)
_row = partial(Endpoint, tag="tei", problem=TEI)
_predicting = partial(_row, method="POST", errors=PREDICT_ERRORS)

ENDPOINTS: tuple[Endpoint, ...] = (
    _predicting(
        path="/embed",
        summary="Turn one text or several into vectors",
        call=predicting.embed,
        request=EmbedRequest,
        reply=Rows,
        example={"inputs": ["What is deep learning?"], "normalize": True},
    ),
    _predicting(
        path="/embed_all",
        summary="Turn every token of one text or several into a vector",
        call=predicting.embed_all,
        request=EmbedAllRequest,
        reply=_Cube,
        example={"inputs": "What is deep learning?"},
    ),
    _predicting(
        path="/predict",
        summary="Classify texts or pairs, labels with scores",
        call=predicting.predict,
        request=PredictRequest,
        reply=list[Prediction | list[Prediction]],
        example={"inputs": "a gripping story"},
    ),
    _predicting(
        path="/rerank",
        summary="Order texts by how well they answer a query",
        call=predicting.rerank,
        request=RerankRequest,
        reply=list[Rank],
        example={"query": "What is deep learning?", "texts": ["It is ...", "a story"]},
    ),
    _predicting(
        path="/similarity",
        summary="Compare a sentence with others",
        call=predicting.similarity,
        request=SimilarityRequest,
        reply=Row,
        example={"inputs": {"source_sentence": "a cat", "sentences": ["a kitten", "a car"]}},
    ),
    _row(
        path="/tokenize",
        method="POST",
        summary="Split texts into tokens",
        call=telling.tokenize,
        request=TokenizeRequest,
        reply=list[list[SimpleToken]],
        errors=_TOKEN_ERRORS,
        example={"inputs": ["a gripping story"]},
    ),
    _row(
        path="/decode",
        method="POST",
        summary="Turn token ids into text",
        call=telling.decode,
        request=DecodeRequest,
        reply=list[str],
        errors=_TOKEN_ERRORS,
        example={"ids": [[101, 2023, 102]]},
    ),
    _row(
        path="/info",
        method="GET",
        summary="Describe the first model",
        call=telling.info,
        reply=Info,
        errors=(Loading,),
    ),
    _row(
        path="/health",
        method="GET",
        summary="Is every model warm?",
        call=telling.health,
        reply=None,
        media_type="text/plain",
        errors=(Loading, Draining),
        is_public=True,
    ),
)
