"""MobileBERT (https://arxiv.org/abs/2004.02984): many layers that work in a narrow bottleneck.

The states are wide between the layers and narrow within them. An embedding is made of three
neighbouring tokens, and a scale and a shift may stand in place of each normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from goldcrest.errors import UnsupportedModel
from goldcrest.models.bert import LAYER as BERT_LAYER
from goldcrest.models.bert import read_bert_spec
from goldcrest.models.encoder import Inputs, Ops, Shapes, Spec, T, linear_shapes, norm_shapes
from goldcrest.models.family import (
    EMBEDDINGS,
    Config,
    Family,
    layer_names,
    read_size,
    refuse_options,
)
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm

NormKind = Literal["no_norm", "layer_norm"]

DEFAULTS: Config = {
    "hidden_size": 512,
    "num_hidden_layers": 24,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "hidden_act": "relu",
}
PLAIN_EPS = 1e-5  # of the two kinds of norms that do not heed the config's epsilon
LAYER = BERT_LAYER | {
    "narrow": "bottleneck.input.dense",
    "narrow_norm": "bottleneck.input.LayerNorm",
    "shared": "bottleneck.attention.dense",
    "shared_norm": "bottleneck.attention.LayerNorm",
    "ffn.{}.expand": "ffn.{}.intermediate.dense",
    "ffn.{}.contract": "ffn.{}.output.dense",
    "ffn.{}.ffn_norm": "ffn.{}.output.LayerNorm",
    "widen": "output.bottleneck.dense",
    "widen_norm": "output.bottleneck.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class MobileBertSpec(Spec):
    """The sizes and choices of a MobileBERT.

    Attributes:
        bottleneck: features within a layer; None where they are as many as between layers.
        attends_narrow: whether queries, keys and values are all made of the narrow states; else
            queries and keys have narrow states of their own, and the values see the wide ones.
        n_ffns: feed-forward networks of a layer.
        has_trigrams: whether the neighbours of a token go into its embedding.
    """

    bottleneck: int | None = None
    attends_narrow: bool = False
    n_ffns: int = 4
    has_trigrams: bool = True
    norm: NormKind = "no_norm"

    @property
    def attention_width(self) -> int:
        return self.bottleneck or self.width

    @property
    def token_width(self) -> int:
        """Features of a row of the token table."""
        return self.embed_width or self.width

    @property
    def has_projection(self) -> bool:
        """Whether a linear layer makes the states of the tokens' embeddings."""
        return self.has_trigrams or self.token_width != self.width

    @property
    def has_shared(self) -> bool:
        """Whether queries and keys are made of narrow states of their own."""
        return self.bottleneck is not None and not self.attends_narrow

    def embed_shapes(self) -> Shapes:
        """The tables of positions and types are as wide as the states."""
        shapes: Shapes = {
            "embed.tokens.weight": (self.vocab_size, self.token_width),
            "embed.positions.weight": (self.max_positions, self.width),
        }
        if self.n_token_types:
            shapes["embed.types.weight"] = (self.n_token_types, self.width)
        if self.has_projection:
            n_tokens = 3 if self.has_trigrams else 1
            shapes |= linear_shapes("embed.project", self.width, n_tokens * self.token_width)
        return shapes | norm_shapes("embed.norm", self.width)

    def layer_shapes(self, layer: str) -> Shapes:
        """Attention and networks of the bottleneck's width, and the ways into it and out of it."""
        inner, wide = self.attention_width, self.width
        shapes: Shapes = {}
        for name in ("query", "key", "output"):
            shapes |= linear_shapes(f"{layer}.{name}", inner, inner)
        shapes |= linear_shapes(f"{layer}.value", inner, wide if self.has_shared else inner)
        shapes |= norm_shapes(f"{layer}.attention_norm", inner)
        for ffn in self._ffns(layer):
            shapes |= linear_shapes(f"{ffn}.expand", self.ffn_width, inner)
            shapes |= linear_shapes(f"{ffn}.contract", inner, self.ffn_width)
            shapes |= norm_shapes(f"{ffn}.ffn_norm", inner)
        if self.bottleneck is None:
            return shapes
        for name in ("narrow", "shared") if self.has_shared else ("narrow",):
            shapes |= linear_shapes(f"{layer}.{name}", inner, wide)
            shapes |= norm_shapes(f"{layer}.{name}_norm", inner)
        shapes |= linear_shapes(f"{layer}.widen", wide, inner)
        return shapes | norm_shapes(f"{layer}.widen_norm", wide)

    def embed(self, ops: Ops[T], inputs: Inputs[T]) -> T:
        """Each token beside its neighbours of the same text, then as the others do."""
        states = ops.embed("embed.tokens", inputs.input_ids)
        if self.has_trigrams:
            after, before = (ops.shift(states, by, owners=inputs.owners) for by in (1, -1))
            states = ops.join((after, states, before))
        if self.has_projection:
            states = ops.linear(states, "embed.project")
        return self._norm(ops, self.place(ops, states, inputs), "embed.norm", PLAIN_EPS)

    def run(self, ops: Ops[T], states: T, layer: str, *, owners: T, bias: T | None) -> T:
        """Into the bottleneck, attention, several networks, and out again."""
        narrow, sources = self._sources(ops, states, layer)
        mixed = self.attend(ops, sources, layer, owners=owners, bias=bias)
        inner = self._norm(ops, ops.add(mixed, narrow), f"{layer}.attention_norm", self.norm_eps)
        for ffn in self._ffns(layer):
            added = ops.add(self.transform(ops, inner, ffn), inner)
            eps = PLAIN_EPS if ffn == layer else self.norm_eps
            inner = self._norm(ops, added, f"{ffn}.ffn_norm", eps)
        if self.bottleneck is None:
            return inner
        widened = ops.add(ops.linear(inner, f"{layer}.widen"), states)
        return self._norm(ops, widened, f"{layer}.widen_norm", self.norm_eps)

    def _sources(self, ops: Ops[T], states: T, layer: str) -> tuple[T, tuple[T, T, T]]:
        """The narrow states, and what queries, keys and values are made of."""
        if self.bottleneck is None:
            return states, (states, states, states)
        narrow = self._narrowed(ops, states, f"{layer}.narrow")
        if self.attends_narrow:
            return narrow, (narrow, narrow, narrow)
        shared = self._narrowed(ops, states, f"{layer}.shared")
        return narrow, (shared, shared, states)

    def _narrowed(self, ops: Ops[T], states: T, name: str) -> T:
        return self._norm(ops, ops.linear(states, name), f"{name}_norm", self.norm_eps)

    def _ffns(self, layer: str) -> tuple[str, ...]:
        """The names of the networks; the last one's stand in the layer itself."""
        return (*(f"{layer}.ffn.{index}" for index in range(self.n_ffns - 1)), layer)

    def _norm(self, ops: Ops[T], states: T, name: str, eps: float) -> T:
        if self.norm == "no_norm":
            return ops.affine(states, name)
        return ops.norm(states, name, eps)


def _read_spec(config: Config) -> MobileBertSpec:
    known = {**DEFAULTS, **config}
    refuse_options(known, {"normalization_type": ("no_norm", "layer_norm")})
    flags = ("use_bottleneck", "trigram_input", "key_query_shared_bottleneck")
    refuse_options(known, dict.fromkeys((*flags, "use_bottleneck_attention"), (True, False)))
    has_bottleneck, has_trigrams, is_shared = (known.get(flag, True) for flag in flags)
    attends_narrow = known.get("use_bottleneck_attention", False)
    if has_bottleneck and not attends_narrow and not is_shared:
        raise UnsupportedModel(
            "config.json gives key_query_shared_bottleneck as False; supported is True, or "
            "use_bottleneck_attention"
        )
    inner = read_size(known, "intra_bottleneck_size", default=128)
    return read_bert_spec(
        known,
        MobileBertSpec,
        embed_width=read_size(known, "embedding_size", default=128),
        bottleneck=inner if has_bottleneck else None,
        attends_narrow=attends_narrow,
        n_ffns=read_size(known, "num_feedforward_networks", default=4),
        has_trigrams=has_trigrams,
        norm=known.get("normalization_type", "no_norm"),
    )


MOBILEBERT = Family(
    model_type="mobilebert",
    prefix="mobilebert.",
    names=EMBEDDINGS
    | {"embed.project": "embeddings.embedding_transformation"}
    | layer_names("encoder.layer.{}", LAYER),
    heads={
        "classify": (
            Linear("dense", "pooler.dense", then="tanh", switch="classifier_activation"),
            Linear("output", "classifier", to="labels"),
        ),
        "tokens": TOKENS,
        "span": SPAN,
        "fill": (
            Linear("dense", "cls.predictions.transform.dense", then="own"),
            Norm("norm", "cls.predictions.transform.LayerNorm"),
            Decoder(
                "cls.predictions.decoder",
                bias="cls.predictions.bias",
                rest="cls.predictions.dense.weight",
            ),
        ),
    },
    read_spec=_read_spec,
    int8_refusal=(
        "MobileBERT cannot be quantised to INT8: nothing keeps its states within a range, so eight "
        "bits lose its answers"
    ),
)
