"""MPNet (https://arxiv.org/abs/2004.09297): BERT whose attention heeds how far apart tokens stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldcrest.models.bert import read_bert_spec
from goldcrest.models.encoder import Inputs, Ops, Shapes, Spec, T
from goldcrest.models.family import EMBEDDINGS, Config, Family, layer_names, refuse_options
from goldcrest.models.roberta import HEADS
from goldcrest.values import Ints

N_BUCKETS = 32  # kinds of distance: half of them backward, half of them forward
N_EXACT = 8  # the nearest have a bucket each; from there, one per half a doubling
PADDING = 1  # the padding token's id, whatever the config says
LAYER = {
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "output": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
    "expand": "intermediate.dense",
    "contract": "output.dense",
    "ffn_norm": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class MPNetSpec(Spec):
    """The sizes of an MPNet."""

    def shapes(self) -> Shapes:
        """The shapes of BERT, and one table of biases for all layers."""
        return Spec.shapes(self) | {"distances.weight": (N_BUCKETS, self.n_heads)}

    def bias(self, ops: Ops[T], inputs: Inputs[T]) -> T | None:
        """What the distance of two tokens adds to their score, the same in all layers."""
        return ops.distance_bias("distances", inputs.positions, distance_rows(self.max_positions))


def distance_rows(n: int) -> Ints:
    """The bucket of each distance from ``1 - n`` to ``n - 1``. *Shape:* ``(2 * n - 1,)``."""
    backward = [_bucket(distance) for distance in range(n - 1, 0, -1)]
    forward = [_bucket(distance) + N_BUCKETS // 2 for distance in range(1, n)]
    return np.array([*backward, 0, *forward], np.int32)


def _bucket(distance: int) -> int:
    """The bucket within one direction: ``8 + 2 * log2(distance / 8)`` from 8 on, in whole numbers."""
    if distance < N_EXACT:
        return distance
    half_doublings = (distance**2 // N_EXACT**2).bit_length() - 1
    return min(N_EXACT + half_doublings, N_BUCKETS // 2 - 1)


def _read_spec(config: Config) -> MPNetSpec:
    refuse_options(config, {"relative_attention_num_buckets": (N_BUCKETS,)})
    known = {"vocab_size": 30527, **config}
    return read_bert_spec(known, MPNetSpec, position_offset=PADDING + 1, n_token_types=0)


MPNET = Family(
    model_type="mpnet",
    prefix="mpnet.",
    names=EMBEDDINGS
    | {"distances": "encoder.relative_attention_bias"}
    | layer_names("encoder.layer.{}", LAYER),
    heads=HEADS,
    read_spec=_read_spec,
)
