"""From a checkpoint to its encoder: which family it is, its sizes and its weights."""

from __future__ import annotations

from dataclasses import dataclass

from goldcrest.checkpoint import Checkpoint
from goldcrest.errors import UnsupportedModel
from goldcrest.models.albert import ALBERT
from goldcrest.models.bert import BERT
from goldcrest.models.distilbert import DISTILBERT
from goldcrest.models.electra import ELECTRA
from goldcrest.models.encoder import Spec
from goldcrest.models.family import Family, refuse_options
from goldcrest.models.mobilebert import MOBILEBERT
from goldcrest.models.mpnet import MPNET
from goldcrest.models.roberta import ROBERTA
from goldcrest.models.weights import Weights, find_weights, starts_with
from goldcrest.models.xlm_roberta import CAMEMBERT, XLM_ROBERTA

_ALL = (
    DISTILBERT,
    BERT,
    ROBERTA,
    XLM_ROBERTA,
    CAMEMBERT,
    ALBERT,
    ELECTRA,
    MPNET,
    MOBILEBERT,
)
FAMILIES: dict[str, Family] = {family.model_type: family for family in _ALL}


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder that is ready to be built: its sizes, and its weights under our names."""

    checkpoint: Checkpoint
    family: Family
    spec: Spec
    weights: Weights


def resolve(checkpoint: Checkpoint) -> Encoder:
    """Find out what encoder a checkpoint holds, and check that all of it is there.

    Raises:
        UnsupportedModel: the architecture, or an option of it, is not one we have.
        TensorProblem: names every tensor that is missing or misshapen.
    """
    family = _family(checkpoint)
    refuse_options(
        checkpoint.config, {"pruned_heads": ({}, None), "quantization_config": (None, {})}
    )
    spec = family.read_spec(checkpoint.config)
    return Encoder(checkpoint, family, spec, find_weights(checkpoint, family, spec))


def _family(checkpoint: Checkpoint) -> Family:
    stated = checkpoint.config.get("model_type")
    if stated is None:  # early checkpoints do not say; their tensors do
        for family in FAMILIES.values():
            if starts_with(checkpoint.tensors, family.prefix):
                return family
    if stated not in FAMILIES:
        raise UnsupportedModel(
            f"{checkpoint.source} is of the model type {stated!r}; supported are "
            f"{', '.join(FAMILIES)}"
        )
    return FAMILIES[stated]
