"""What may be asked of a model: a task, its options, and the shape of what comes back.

A task is a frozen value. Its options change the presentation of answers, and never the tokens
that run: those are `EncodeOptions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from numpy.typing import NDArray

from goldcrest.names import TaskName
from goldcrest.values import AS_IT_COMES, AT_ONCE, EncodeOptions, Floats, Item, Urgency

O = TypeVar("O")  # noqa: E741  # what a task gives back
O_co = TypeVar("O_co", covariant=True)

Scores = Literal["auto", "softmax", "sigmoid", "none"]
Numbers = Literal["float32", "int8", "uint8", "binary", "ubinary"]
Aggregation = Literal["none", "simple", "first", "average", "max"]


@dataclass(frozen=True, slots=True)
class Entity:
    """A token, or a run of tokens, that carries a label.

    Attributes:
        label: of the token, such as "B-PER"; of a group without its "B-" or "I-".
        score: probability of the label; of a group, the mean or what the aggregation says.
        word: the token as the vocabulary writes it; of a group, the text of its tokens.
        start: first character (code point) in the text.
        end: last character plus one.
        index: place of the token among all of the item, special ones counted; None for a group.
    """

    label: str
    score: float
    word: str
    start: int
    end: int
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a context that answers a question.

    Attributes:
        text: the part; empty where the context holds no answer.
        score: product of the probabilities of its first and its last token; the sum of these where
            several windows find the same passage, so it may exceed 1.
        start: first character (code point) in the context.
        end: last character plus one.
    """

    text: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Filling:
    """A token for a mask.

    Attributes:
        token: the token as text, such as "paris"; " paris" where the vocabulary keeps spaces.
        token_id: its number in the vocabulary.
        score: its probability among all tokens, be there targets or not.
        text: the whole text with the token in place of this mask.
    """

    token: str
    token_id: int
    score: float
    text: str


class Task(Generic[O_co]):
    """What is asked; ``O_co`` is what comes back for all items together."""

    __slots__ = ()
    name: ClassVar[TaskName]

    @property
    def n_parts(self) -> int:
        """Into how many each item expands; limits on items count them all."""
        return 1

    def encoding(self, options: EncodeOptions) -> EncodeOptions:
        """The encode options that this task needs, given those that the caller asked for."""
        return options


@dataclass(frozen=True, slots=True)
class Classify(Task[Floats]):
    """Probabilities of labels. *Shape:* ``(n_items, n_labels)``.

    Attributes:
        scores: how logits become numbers; auto: as the model was trained.
    """

    name: ClassVar[TaskName] = "classify"
    scores: Scores = "auto"


@dataclass(frozen=True, slots=True)
class Rerank(Task[Floats]):
    """How well the second text of each pair answers the first. *Shape:* ``(n_items,)``.

    Attributes:
        raw: the bare logit instead of its sigmoid.
    """

    name: ClassVar[TaskName] = "rerank"
    raw: bool = False


@dataclass(frozen=True, slots=True)
class ZeroShot(Task[Floats]):
    """How well each candidate label fits. *Shape:* ``(n_items, len(labels))``.

    Attributes:
        labels: the candidates, at least one.
        template: a hypothesis with ``{}`` where the label goes.
        multi_label: each label by itself, instead of shares that sum to 1.
    """

    name: ClassVar[TaskName] = "zero_shot"
    labels: tuple[str, ...] = ()
    template: str = "This example is {}."
    multi_label: bool = False

    def encoding(self, options: EncodeOptions) -> EncodeOptions:
        """Let windows split the text, and keep the hypothesis whole."""
        return replace(options, splits_first=True)

    @property
    def n_parts(self) -> int:
        """A pair for each label."""
        return max(1, len(self.labels))


@dataclass(frozen=True, slots=True)
class Embed(Task[NDArray[Any]]):
    """One vector per item. *Shape:* ``(n_items, n_dimensions)``.

    Attributes:
        normalize: vectors of length 1; None: as the model was made.
        dimensions: keep only so many leading ones (https://arxiv.org/abs/2205.13147).
        numbers: the type of the result; binary packs eight dimensions to a byte.
        prompt: name of a prompt that the model knows, put before every text.
    """

    name: ClassVar[TaskName] = "embed"
    normalize: bool | None = None
    dimensions: int | None = None
    numbers: Numbers = "float32"
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Similarity(Task[Floats]):
    """Cosine of the first item with each of the others. *Shape:* ``(n_items - 1,)``.

    Attributes:
        prompt: as for `Embed`.
    """

    name: ClassVar[TaskName] = "similarity"
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class States(Task[Sequence[Floats]]):
    """The state of every token: per item, ``(n_tokens, n_dimensions)``.

    Attributes:
        prompt: as for `Embed`.
    """

    name: ClassVar[TaskName] = "states"
    prompt: str | None = None

    def encoding(self, options: EncodeOptions) -> EncodeOptions:
        """Ask for every token."""
        return replace(options, wants_states=True)


@dataclass(frozen=True, slots=True)
class Tokens(Task[Sequence[tuple[Entity, ...]]]):
    """What each token is: per item, its entities in the order of the text.

    Attributes:
        aggregation: how tokens become groups; none: every token by itself.
        ignored: labels that are left out.
    """

    name: ClassVar[TaskName] = "tokens"
    aggregation: Aggregation = "none"
    ignored: tuple[str, ...] = ("O",)


@dataclass(frozen=True, slots=True)
class Span(Task[Sequence[tuple[Passage, ...]]]):
    """Where the second text of each pair answers the first: per item, the best passages.

    Attributes:
        n_best: passages per item, best first.
        max_answer_tokens: the longest passage.
        allow_none: whether "no answer" may compete, as an empty passage.
    """

    name: ClassVar[TaskName] = "span"
    n_best: int = 1
    max_answer_tokens: int = 15
    allow_none: bool = False


@dataclass(frozen=True, slots=True)
class Fill(Task[Sequence[tuple[tuple[Filling, ...], ...]]]):
    """What stands under each mask: per item and mask, the best fillings.

    Attributes:
        top_k: fillings per mask.
        targets: if given, only these words compete.
    """

    name: ClassVar[TaskName] = "fill"
    top_k: int = 5
    targets: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Request(Generic[O]):
    """One call of the service, whatever door it came through.

    Attributes:
        model: the name of a served model; None means the default of the task.
        urgency: how early it is answered, and who asks.
    """

    task: Task[O]
    items: Sequence[Item]
    model: str | None = None
    encode: EncodeOptions = AS_IT_COMES
    urgency: Urgency = AT_ONCE

    @property
    def caller(self) -> str:
        """The name of the key that was shown; empty where none is asked for."""
        return self.urgency.caller


@dataclass(frozen=True, slots=True)
class Reply(Generic[O]):
    """What the service answers.

    Attributes:
        outputs: what the task gives back.
        labels: of the outputs, in order; empty where they have none.
        n_tokens: tokens that were run, per item.
        n_dropped: tokens cut off, per item.
        n_windows: windows that were run, per item.
        lengths: tokens that each item had, those that were cut off too; empty where tokens run and
            dropped say it, as they do not where several models ran them.
    """

    model: str
    outputs: O
    labels: tuple[str, ...]
    n_tokens: tuple[int, ...]
    n_dropped: tuple[int, ...]
    n_windows: tuple[int, ...]
    lengths: tuple[int, ...] = ()


class Predict(Protocol):
    """The service: a request in, a reply out."""

    async def __call__(self, request: Request[O]) -> Reply[O]: ...


class Vocabulary(Protocol):
    """What a head may ask of a tokenizer."""

    @property
    def mask(self) -> str:
        """The mask token as a caller writes it; empty where there is none."""
        ...

    @property
    def continuation(self) -> str:
        """What marks a token that goes on with a word, such as "##"; empty where nothing does."""
        ...

    @property
    def unknown(self) -> int | None:
        """The id that stands for whatever the vocabulary lacks."""
        ...

    def token(self, token_id: int) -> str:
        """The token as the vocabulary writes it."""
        ...

    def find(self, token: str) -> int | None:
        """The id of a token as the vocabulary writes it; None where it has no such token."""
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens as the vocabulary writes them."""
        ...

    def ids(self, text: str) -> Sequence[int]:
        """The ids of a text, without special tokens."""
        ...

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of some tokens."""
        ...
