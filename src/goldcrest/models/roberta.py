"""RoBERTa (https://arxiv.org/abs/1907.11692) and DistilRoBERTa: BERT with another head.

Positions count from the padding token's id plus one, so the first rows of the stored table belong
to no token.
"""

from __future__ import annotations

from goldcrest.models.bert import NAMES, read_bert_spec
from goldcrest.models.encoder import Spec
from goldcrest.models.family import Config, Family, read_size
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm, Step
from goldcrest.names import Readable

HEADS: dict[Readable, tuple[Step, ...]] = {
    "classify": (
        Linear("dense", "classifier.dense", then="tanh"),
        Linear("output", "classifier.out_proj", to="labels"),
    ),
    "tokens": TOKENS,
    "span": SPAN,
    "fill": (
        Linear("dense", "lm_head.dense", then="gelu"),
        Norm("norm", "lm_head.layer_norm"),
        Decoder("lm_head.decoder", bias="lm_head.bias"),
    ),
}


def read_roberta_spec(config: Config) -> Spec:
    """The spec of RoBERTa and of the families that share its form.

    Raises:
        UnsupportedModel: the config asks for what we do not have.
    """
    padding = read_size(config, "pad_token_id", default=1, least=0)
    return read_bert_spec(config, Spec, position_offset=padding + 1)


ROBERTA = Family(
    model_type="roberta",
    prefix="roberta.",
    names=NAMES,
    heads=HEADS,
    read_spec=lambda config: read_roberta_spec({"vocab_size": 50265, **config}),
)
