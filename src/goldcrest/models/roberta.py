"""RoBERTa (https://arxiv.org/abs/1907.11692) and DistilRoBERTa: BERT with another head.

Positions count from the padding token's id plus one, so the first rows of the stored table belong
to no token.
"""

from __future__ import annotations

from goldcrest.models.bert import EMBEDDINGS, LAYER, read_bert_spec
from goldcrest.models.encoder import Spec
from goldcrest.models.family import Config, Family, read_size


def _read_spec(config: Config) -> Spec:
    padding = read_size(config, "pad_token_id", default=1, least=0)
    return read_bert_spec(config, vocab_size=50265, position_offset=padding + 1)


ROBERTA = Family(
    model_type="roberta",
    prefix="roberta.",
    embeddings=EMBEDDINGS,
    layer=LAYER,
    head={"dense": "classifier.dense", "output": "classifier.out_proj"},
    head_activation="tanh",
    read_spec=_read_spec,
)
