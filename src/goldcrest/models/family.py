"""What a family of encoders is: its config keys and its tensor names, in our words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from goldcrest.errors import UnsupportedModel
from goldcrest.models.encoder import Activation, Spec
from goldcrest.models.steps import Names, Step
from goldcrest.names import Readable

Config = Mapping[str, Any]
S = TypeVar("S", bound=Spec)

_NUMBER = re.compile(r"\b\d+\b")

_ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}

EMBEDDINGS = {
    "embed.tokens": "embeddings.word_embeddings",
    "embed.positions": "embeddings.position_embeddings",
    "embed.types": "embeddings.token_type_embeddings",
    "embed.norm": "embeddings.LayerNorm",
}


def layer_names(start: str, names: Mapping[str, str], layer: str = "layer.{}") -> dict[str, str]:
    """Our names in a layer -> its names there, as `Family.names` wants them.

    Args:
        start: what stands before its names, with ``{}`` for each number.
        names: our name within a layer -> its name within a layer.
        layer: what stands before our names.
    """
    return {f"{layer}.{ours}": f"{start}.{theirs}" for ours, theirs in names.items()}


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of checkpoint.

    Attributes:
        model_type: what ``config.json`` calls it.
        prefix: what stands before the names of the encoder's tensors in a fine-tuned model.
        names: our name of a tensor -> its name, both without ``.weight`` or ``.bias``, and with
            ``{}`` for each number, such as that of the layer.
        heads: what a checkpoint was trained for -> the steps from states to logits; see `head`.
        read_spec: its config -> our spec.
        int8_refusal: why INT8 does not suit it, as a sentence; empty where it does.
    """

    model_type: str
    prefix: str
    names: Mapping[str, str]
    heads: Mapping[Readable, tuple[Step, ...]]
    read_spec: Callable[[Config], Spec]
    int8_refusal: str = ""

    def encoder_names(self, spec: Spec) -> dict[str, str]:
        """Our name -> its name, for every tensor of the encoder."""
        return {ours: self._name(ours) for ours in spec.shapes()}

    def head(self, task: Readable, config: Config) -> tuple[Step, ...]:
        """The steps of a head in a model of this config; none where the family lacks that head."""
        return tuple(step for step in self.heads.get(task, ()) if step.is_on(config))

    def head_names(self) -> Names:
        """Our name -> the names it may have, for every tensor of every head.

        Ours begin with the task: ``classify.dense.weight``, ``fill.decoder.bias``.
        """
        return {
            f"{task}.{ours}": theirs
            for task, steps in self.heads.items()
            for step in steps
            for ours, theirs in step.names().items()
        }

    def _name(self, ours: str) -> str:
        stem, _, part = ours.rpartition(".")
        theirs = self.names[_NUMBER.sub("{}", stem)]
        return f"{theirs.format(*_NUMBER.findall(stem))}.{part}"


def read_size(config: Config, *keys: str, default: int, least: int = 1) -> int:
    """A whole number of the config, under the first of the keys that is there.

    Raises:
        UnsupportedModel: it is no whole number, or less than ``least``.
    """
    key, value = _first(config, keys, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UnsupportedModel(
            f"config.json gives {key} as {value!r}; it must be a whole number of at least {least}"
        )
    return value


def read_eps(config: Config, key: str, default: float) -> float:
    """The epsilon of layer normalisation.

    Raises:
        UnsupportedModel: it is no number above zero.
    """
    value = config.get(key, default)
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise UnsupportedModel(f"config.json gives {key} as {value!r}; it must be above zero")
    return float(value)


def read_activation(config: Config, *keys: str) -> Activation:
    """The activation function of the feed-forward layers.

    Raises:
        UnsupportedModel: we do not have it.
    """
    key, value = _first(config, keys, "gelu")
    if not isinstance(value, str) or value not in _ACTIVATIONS:
        raise UnsupportedModel(
            f"config.json gives {key} as {value!r}; supported are {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[value]


def _first(config: Config, keys: tuple[str, ...], default: object) -> tuple[str, object]:
    return next(((key, config[key]) for key in keys if key in config), (keys[0], default))


def checked(spec: S) -> S:
    """The spec, if its numbers agree with each other.

    Raises:
        UnsupportedModel: the width is not divisible among the heads.
    """
    if spec.attention_width % spec.n_heads:
        raise UnsupportedModel(
            f"config.json gives {spec.n_heads} attention heads, which do not divide the width of "
            f"{spec.attention_width}"
        )
    return spec


def refuse_options(config: Config, allowed: Mapping[str, tuple[object, ...]]) -> None:
    """Refuse a config that asks for what we do not do.

    Args:
        config: as parsed.
        allowed: key -> the values under which our forward is right; an absent key is right.

    Raises:
        UnsupportedModel: names the key, its value and what is supported.
    """
    for key, values in allowed.items():
        if config.get(key, values[0]) not in values:
            supported = " or ".join(repr(value) for value in values if value is not None)
            raise UnsupportedModel(
                f"config.json gives {key} as {config[key]!r}; supported is {supported}"
            )
