"""The forward of an encoder, written once over a small set of operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from goldcrest.values import Ints

Activation = Literal["gelu", "gelu_tanh", "relu", "silu", "tanh"]
Shapes = dict[str, tuple[int, ...]]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inputs(Generic[T]):
    """The packed inputs, as values of an `Ops`.

    Attributes:
        input_ids: *Shape:* ``(rows, width)``.
        positions: *Shape:* ``(rows, width)``; 0 at the first token of every text.
        owners: *Shape:* ``(rows, width)``; which text a slot belongs to, -1 for nobody.
        token_types: *Shape:* ``(rows, width)``, or None where the spec has none.
    """

    input_ids: T
    positions: T
    owners: T
    token_types: T | None = None


class Ops(Protocol[T]):
    """What a forward is made of. Weights are called by our names; an Ops holds them.

    States have the shape ``(rows, width, features)`` or ``(n, features)``. A weight that several
    operations use is held once.
    """

    def embed(self, table: str, ids: T) -> T:
        """The rows of the table ``{table}.weight`` at ``ids``."""

    def add(self, left: T, right: T) -> T:
        """The sum."""

    def linear(self, states: T, name: str, scale: float = 1.0) -> T:
        """``(states @ {name}.weight.T + {name}.bias) * scale``."""

    def norm(self, states: T, name: str, eps: float) -> T:
        """Layer normalisation over the features, with ``{name}.weight`` and ``{name}.bias``."""

    def affine(self, states: T, name: str) -> T:
        """``states * {name}.weight + {name}.bias``, feature by feature."""

    def activate(self, states: T, kind: Activation) -> T:
        """The activation function, element by element."""

    def join(self, parts: Sequence[T]) -> T:
        """The features of all the parts, one after the other."""

    def shift(self, states: T, by: int, *, owners: T) -> T:
        """At each slot the states of the slot ``by`` places on; 0 where another text owns that."""

    def attention(
        self, query: T, key: T, value: T, *, owners: T, heads: tuple[int, int], bias: T | None
    ) -> T:
        """Unscaled attention of each slot to the slots of its row with the same owner.

        ``heads`` is their number and the width of each; ``bias`` is added to the scores.
        """

    def distance_bias(self, table: str, positions: T, rows: Ints) -> T:
        """What each head adds to the score of two slots for the distance between their positions.

        ``rows[n - 1 + distance]``, where a text has at most ``n`` tokens, is the row of the table
        ``{table}.weight``, which has one feature per head. *Shape:* ``(rows, heads, width, width)``
        """

    def flatten(self, states: T, features: int) -> T:
        """All slots in one list, row by row: ``(rows * width, features)``."""

    def gather(self, states: T, picks: T) -> T:
        """The rows of flat states at ``picks``: ``(n_picks, features)``."""


@dataclass(frozen=True, slots=True)
class Spec:
    """The sizes and choices of an encoder, and its steps: those of BERT.

    A family whose steps differ says so in a subclass.

    Attributes:
        norm_eps: what layer normalisation adds to the variance.
        max_positions: tokens that one text may have, special ones included.
        n_token_types: 0 or 1 means that the graph takes no token types.
        position_offset: rows of the stored position table before that of the first token.
        embed_width: features of an embedding, where a linear layer brings them to ``width``; None
            where there is no such layer.
    """

    n_layers: int
    width: int
    n_heads: int
    ffn_width: int
    activation: Activation
    norm_eps: float
    vocab_size: int
    max_positions: int
    n_token_types: int = 0
    position_offset: int = 0
    embed_width: int | None = None

    @property
    def attention_width(self) -> int:
        """Features of the queries, keys and values of all heads together."""
        return self.width

    @property
    def head_width(self) -> int:
        return self.attention_width // self.n_heads

    @property
    def has_token_types(self) -> bool:
        """Whether the token types of a text make a difference."""
        return self.n_token_types > 1

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers in the order in which they run; one that runs again is named again."""
        return tuple(f"layer.{index}" for index in range(self.n_layers))

    def shapes(self) -> Shapes:
        """The shape of every tensor of the encoder as a checkpoint stores it, by our names."""
        shapes = self.embed_shapes()
        for layer in dict.fromkeys(self.layers):
            shapes |= self.layer_shapes(layer)
        return shapes

    def embed_shapes(self) -> Shapes:
        """The shapes of the tensors of `embed`."""
        width = self.embed_width or self.width
        shapes: Shapes = {
            "embed.tokens.weight": (self.vocab_size, width),
            "embed.positions.weight": (self.position_offset + self.max_positions, width),
        }
        if self.n_token_types:
            shapes["embed.types.weight"] = (self.n_token_types, width)
        shapes |= norm_shapes("embed.norm", width)
        if self.embed_width is not None:
            shapes |= linear_shapes("embed.project", self.width, width)
        return shapes

    def layer_shapes(self, layer: str) -> Shapes:
        """The shapes of the tensors of one layer."""
        shapes: Shapes = {}
        for name in ("query", "key", "value", "output"):
            shapes |= linear_shapes(f"{layer}.{name}", self.width, self.width)
        shapes |= linear_shapes(f"{layer}.expand", self.ffn_width, self.width)
        shapes |= linear_shapes(f"{layer}.contract", self.width, self.ffn_width)
        for name in ("attention_norm", "ffn_norm"):
            shapes |= norm_shapes(f"{layer}.{name}", self.width)
        return shapes

    def embed(self, ops: Ops[T], inputs: Inputs[T]) -> T:
        """The states that the first layer sees."""
        tokens = ops.embed("embed.tokens", inputs.input_ids)
        states = ops.norm(self.place(ops, tokens, inputs), "embed.norm", self.norm_eps)
        return states if self.embed_width is None else ops.linear(states, "embed.project")

    def place(self, ops: Ops[T], tokens: T, inputs: Inputs[T]) -> T:
        """Add to each token what its position and its type say."""
        states = ops.add(tokens, ops.embed("embed.positions", inputs.positions))
        if inputs.token_types is None:
            return states
        return ops.add(states, ops.embed("embed.types", inputs.token_types))

    def bias(self, ops: Ops[T], inputs: Inputs[T]) -> T | None:
        """What all layers add to their attention scores."""
        return None

    def run(self, ops: Ops[T], states: T, layer: str, *, owners: T, bias: T | None) -> T:
        """One layer."""
        mixed = self.attend(ops, (states, states, states), layer, owners=owners, bias=bias)
        states = ops.norm(ops.add(mixed, states), f"{layer}.attention_norm", self.norm_eps)
        added = ops.add(self.transform(ops, states, layer), states)
        return ops.norm(added, f"{layer}.ffn_norm", self.norm_eps)

    def attend(
        self, ops: Ops[T], sources: tuple[T, T, T], layer: str, *, owners: T, bias: T | None
    ) -> T:
        """Attention; the sources are what queries, keys and values are made of."""
        query, key, value = sources
        mixed = ops.attention(
            ops.linear(query, f"{layer}.query", scale=self.head_width**-0.5),
            ops.linear(key, f"{layer}.key"),
            ops.linear(value, f"{layer}.value"),
            owners=owners,
            heads=(self.n_heads, self.head_width),
            bias=bias,
        )
        return ops.linear(mixed, f"{layer}.output")

    def transform(self, ops: Ops[T], states: T, layer: str) -> T:
        """The feed-forward network of a layer."""
        wide = ops.activate(ops.linear(states, f"{layer}.expand"), self.activation)
        return ops.linear(wide, f"{layer}.contract")


def encode(ops: Ops[T], spec: Spec, inputs: Inputs[T]) -> T:
    """Run the encoder: tokens in, ``(rows, width, features)`` out."""
    states, bias = spec.embed(ops, inputs), spec.bias(ops, inputs)
    for layer in spec.layers:
        states = spec.run(ops, states, layer, owners=inputs.owners, bias=bias)
    return states


def linear_shapes(name: str, n_out: int, n_in: int) -> Shapes:
    """The shapes of a linear layer's tensors."""
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def norm_shapes(name: str, width: int) -> Shapes:
    """The shapes of a normalisation's tensors."""
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
