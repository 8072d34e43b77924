"""Where the arithmetic runs, and how precisely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from goldcrest.distill.config import Arithmetic
from goldcrest.engine.processor import processor


@dataclass(frozen=True, slots=True)
class Device:
    """A device and its arithmetic.

    Attributes:
        name: "cpu" or "cuda".
        is_bf16: whether matrix products are done in bf16, the rest in f32.
    """

    name: str
    is_bf16: bool

    def autocast(self) -> Any:
        """The context in which forwards run."""
        return torch.autocast(self.name, torch.bfloat16, enabled=self.is_bf16)

    @property
    def attention(self) -> str:
        """What transformers calls the attention that is fastest here.

        For short texts on two cores, plain matrix products took two thirds of the time of a step
        with the fused kernels that a processor has, and four fifths of that of a teacher's forward.
        """
        return "sdpa" if self.name == "cuda" else "eager"

    @property
    def arithmetic(self) -> str:
        return "bf16" if self.is_bf16 else "f32"


def choose(wanted: Arithmetic) -> Device:
    """The device at hand: a GPU if there is one, else the processor."""
    has_gpu = torch.cuda.is_available()
    has_bf16 = torch.cuda.is_bf16_supported() if has_gpu else processor().has_native_bf16
    torch.set_flush_denormal(True)  # gradients that vanish would else cost a hundred times as much
    return Device("cuda" if has_gpu else "cpu", has_bf16 if wanted == "auto" else wanted == "bf16")
