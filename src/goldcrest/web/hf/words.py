"""What Hugging Face's clients send: the inputs and the parameters of each task."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from goldcrest.errors import InvalidRequest
from goldcrest.names import Overflow
from goldcrest.tasks import Aggregation, Embed, Fill, Scores, Span, Tokens, ZeroShot
from goldcrest.web.inputs import TokenId

Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
_MOST_BEST, _MOST_TARGETS = 1000, 1024
"""Answers per item where there could be millions, and words that may compete for a mask."""
Texts = str | list[str]
TextsOrIds = str | list[str | TokenId | list[TokenId]]


class HuggingFaceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Inputs and parameters; what stands beside them is what their clients send unwrapped."""

    inputs: Annotated[
        Any, Meta(description="a text, a list, or an object: the task says which")
    ] = None
    query: Annotated[str | None, Meta(description="with texts, instead of inputs: to rank")] = None
    texts: list[str] | None = None
    parameters: Annotated[
        dict[str, Any] | None, Meta(description="options of the task; null counts as not given")
    ] = None
    options: Annotated[
        dict[str, Any] | None, Meta(description="of the hosted service; taken, and not used")
    ] = None
    normalize: bool | None = None
    truncate: bool | None = None
    truncation_direction: str | None = None
    prompt_name: str | None = None
    dimensions: int | None = None
    encoding_format: str | None = None
    raw_scores: bool | None = None
    return_text: bool | None = None

    @property
    def meant(self) -> Any:
        """The inputs; a query with its texts where those came instead."""
        if self.query is None and self.texts is None:
            return self.inputs
        ranking = {"query": self.query, "texts": self.texts}
        return ranking if self.inputs is None else {**ranking, "inputs": self.inputs}

    @property
    def given(self) -> dict[str, Any]:
        """The options that are not null, wherever they stand; those in ``parameters`` win."""
        fields = self.__struct_fields__[self.__struct_fields__.index("options") + 1 :]
        beside = {name: getattr(self, name) for name in fields}
        both = {**beside, **(self.parameters or {})}
        return {name: value for name, value in both.items() if value is not None}


class TextPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text, or two that are read together."""

    text: str
    text_pair: str | None = None


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, and the text that may hold its answer."""

    question: str
    context: str


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence, and those it is compared with."""

    source_sentence: str
    sentences: list[str]


class Ranking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query, and the texts that may answer it."""

    query: str
    texts: list[str]


Pair = Annotated[list[str], Meta(min_length=1, max_length=2)]
Classifiable = str | TextPair | list[str | TextPair | Pair]
Questions = Question | list[Question]


def _check_most(what: str, number: int, most: int) -> None:
    if number > most:
        raise InvalidRequest(f"{what} is {number}, more than the limit of {most}")


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The several ways to say what happens to long texts; at most one is used."""

    overflow: Overflow | None = None
    truncate: bool | None = None
    truncation: bool | None = None
    truncation_direction: Literal["right", "left", "Right", "Left"] = "right"


class Limited(Wording, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, with the number of tokens that fit."""

    max_length: Count | None = None


class ClassifyParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of text-classification."""

    top_k: Count | None = None
    function_to_apply: Literal["sigmoid", "softmax", "none", "default"] = "default"
    raw_scores: bool = False

    @property
    def scores(self) -> Scores:
        if self.raw_scores:
            return "none"
        return "auto" if self.function_to_apply == "default" else self.function_to_apply


class TokensParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of token-classification."""

    aggregation_strategy: Aggregation = "simple"
    ignore_labels: tuple[str, ...] = ("O",)
    stride: Annotated[int, Meta(ge=0)] | None = None

    @property
    def task(self) -> Tokens:
        return Tokens(self.aggregation_strategy, self.ignore_labels)


class SpanParameters(Wording, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of question-answering."""

    top_k: Count = 1
    max_answer_len: Count = 15
    max_seq_len: Count = 384
    doc_stride: Annotated[int, Meta(ge=0)] | None = None
    handle_impossible_answer: bool = False
    align_to_words: bool | None = None
    max_question_len: Count | None = None

    @property
    def task(self) -> Span:
        _check_most("top_k", self.top_k, _MOST_BEST)
        return Span(self.top_k, self.max_answer_len, self.handle_impossible_answer)


class FillParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of fill-mask."""

    top_k: Count = 5
    targets: str | tuple[str, ...] = ()

    @property
    def task(self) -> Fill:
        targets = (self.targets,) if isinstance(self.targets, str) else self.targets
        _check_most("top_k", self.top_k, _MOST_BEST)
        _check_most("the number of targets", len(targets), _MOST_TARGETS)
        return Fill(self.top_k, targets)


class EmbedParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of feature-extraction."""

    normalize: bool = True
    prompt_name: str | None = None
    dimensions: Count | None = None
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def task(self) -> Embed:
        return Embed(self.normalize, self.dimensions, prompt=self.prompt_name)


class SimilarityParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of sentence-similarity."""

    prompt_name: str | None = None


class ZeroShotParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of zero-shot-classification."""

    candidate_labels: str | tuple[str, ...]
    hypothesis_template: str = ZeroShot().template
    multi_label: bool = False

    @property
    def task(self) -> ZeroShot:
        return ZeroShot(self.labels, self.hypothesis_template, self.multi_label)

    @property
    def labels(self) -> tuple[str, ...]:
        """The candidates; a single text lists them with commas between."""
        if not isinstance(self.candidate_labels, str):
            return self.candidate_labels
        parts = (part.strip() for part in self.candidate_labels.split(","))
        return tuple(part for part in parts if part)


class RankParameters(Limited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of text-ranking."""

    raw_scores: bool = False
    return_text: bool = False
