"""The forward of an encoder, written once over a small set of operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

Activation = Literal["gelu", "gelu_tanh", "relu", "silu", "tanh"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spec:
    """The sizes and choices of an encoder.

    Attributes:
        norm_eps: what layer normalisation adds to the variance.
        max_positions: tokens that one text may have, special ones included.
        n_token_types: 0 or 1 means that the graph takes no token types.
        position_offset: rows of the stored position table before that of the first token.
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

    @property
    def head_width(self) -> int:
        return self.width // self.n_heads

    @property
    def has_token_types(self) -> bool:
        """Whether the token types of a text make a difference."""
        return self.n_token_types > 1


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

    States have the shape ``(rows, width, features)`` or ``(n, features)``.
    """

    def embed(self, table: str, ids: T) -> T:
        """The rows of the table ``{table}.weight`` at ``ids``."""

    def add(self, left: T, right: T) -> T:
        """The sum."""

    def linear(self, states: T, name: str, scale: float = 1.0) -> T:
        """``(states @ {name}.weight.T + {name}.bias) * scale``."""

    def norm(self, states: T, name: str, eps: float) -> T:
        """Layer normalisation over the features, with ``{name}.weight`` and ``{name}.bias``."""

    def activate(self, states: T, kind: Activation) -> T:
        """The activation function, element by element."""

    def attention(self, query: T, key: T, value: T, *, owners: T, heads: tuple[int, int]) -> T:
        """Unscaled attention of each slot to the slots of its row with the same owner.

        ``heads`` is their number and the width of each.
        """

    def flatten(self, states: T, features: int) -> T:
        """All slots in one list, row by row: ``(rows * width, features)``."""

    def gather(self, states: T, picks: T) -> T:
        """The rows of flat states at ``picks``: ``(n_picks, features)``."""


def encode(ops: Ops[T], spec: Spec, inputs: Inputs[T]) -> T:
    """Run the encoder: tokens in, ``(rows, width, features)`` out."""
    states = ops.add(
        ops.embed("embed.tokens", inputs.input_ids), ops.embed("embed.positions", inputs.positions)
    )
    if inputs.token_types is not None:
        states = ops.add(states, ops.embed("embed.types", inputs.token_types))
    states = ops.norm(states, "embed.norm", spec.norm_eps)
    for index in range(spec.n_layers):
        states = _attend(ops, spec, states, owners=inputs.owners, layer=f"layer.{index}")
        states = _transform(ops, spec, states, layer=f"layer.{index}")
    return states


def _attend(ops: Ops[T], spec: Spec, states: T, *, owners: T, layer: str) -> T:
    mixed = ops.attention(
        ops.linear(states, f"{layer}.query", scale=spec.head_width**-0.5),
        ops.linear(states, f"{layer}.key"),
        ops.linear(states, f"{layer}.value"),
        owners=owners,
        heads=(spec.n_heads, spec.head_width),
    )
    added = ops.add(ops.linear(mixed, f"{layer}.output"), states)
    return ops.norm(added, f"{layer}.attention_norm", spec.norm_eps)


def _transform(ops: Ops[T], spec: Spec, states: T, *, layer: str) -> T:
    wide = ops.activate(ops.linear(states, f"{layer}.expand"), spec.activation)
    added = ops.add(ops.linear(wide, f"{layer}.contract"), states)
    return ops.norm(added, f"{layer}.ffn_norm", spec.norm_eps)
