"""What a family of encoders is: its config keys and its tensor names, in our words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from goldcrest.errors import UnsupportedModel
from goldcrest.models.encoder import Activation, Spec

Config = Mapping[str, Any]

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


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of checkpoint.

    Attributes:
        model_type: what ``config.json`` calls it.
        prefix: what stands before the names of the encoder's tensors in a fine-tuned model.
        embeddings: our name -> its name, for the embeddings.
        layer: our name within a layer -> its name, with ``{}`` for the number of the layer.
        head: ``dense`` and ``output`` of the classifier -> its names.
        head_activation: what stands between the two.
        read_spec: its config -> our spec.
    """

    model_type: str
    prefix: str
    embeddings: Mapping[str, str]
    layer: Mapping[str, str]
    head: Mapping[str, str]
    head_activation: Literal["relu", "tanh"]
    read_spec: Callable[[Config], Spec]

    def encoder_names(self, spec: Spec) -> dict[str, str]:
        """Our name -> its name, for every tensor of the encoder."""
        names = dict(self.embeddings)
        if spec.n_token_types == 0:
            names.pop("embed.types.weight", None)
        for index in range(spec.n_layers):
            for ours, theirs in self.layer.items():
                for part in ("weight", "bias"):
                    names[f"layer.{index}.{ours}.{part}"] = f"{theirs.format(index)}.{part}"
        return names

    def head_names(self) -> dict[str, str]:
        """Our name -> its name, for every tensor of the classifier."""
        return {
            f"head.{ours}.{part}": f"{theirs}.{part}"
            for ours, theirs in self.head.items()
            for part in ("weight", "bias")
        }


def stored_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The shape that each tensor of the encoder has in a checkpoint, by our names."""
    width, wide = spec.width, spec.ffn_width
    matrices = dict.fromkeys(("query", "key", "value", "output"), (width, width))
    matrices |= {"expand": (wide, width), "contract": (width, wide)}
    shapes: dict[str, tuple[int, ...]] = {
        "embed.tokens.weight": (spec.vocab_size, width),
        "embed.positions.weight": (spec.position_offset + spec.max_positions, width),
        "embed.types.weight": (spec.n_token_types, width),
        "embed.norm.weight": (width,),
        "embed.norm.bias": (width,),
    }
    for layer in (f"layer.{index}" for index in range(spec.n_layers)):
        for name, shape in matrices.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("attention_norm", "ffn_norm"):
            shapes |= {f"{layer}.{name}.{part}": (width,) for part in ("weight", "bias")}
    return shapes


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


def checked(spec: Spec) -> Spec:
    """The spec, if its numbers agree with each other.

    Raises:
        UnsupportedModel: the width is not divisible among the heads.
    """
    if spec.width % spec.n_heads:
        raise UnsupportedModel(
            f"config.json gives {spec.n_heads} attention heads, which do not divide the width of "
            f"{spec.width}"
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
