"""How INT8 is made: what NNCF is told, and which blocks of the graph stay in float."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to make INT8.

    Attributes:
        smooth_quant: how far outliers are moved from the activations into the weights, from 0 to 1;
            None leaves them where they are. Source: G. Xiao et al., "SmoothQuant", 2023
            (https://arxiv.org/abs/2211.10438).
        corrects_biases: whether the mean error of a layer is taken off its bias. NNCF does so for
            those that read single states alone, which is the head. Source: R. Banner et al., "Post
            training 4-bit quantization", 2019 (https://arxiv.org/abs/1810.05723).
        is_symmetric: whether activations have no zero point: less exact where they lean to a side.
        kept_in_float: names of `blocks` that are not quantised.
    """

    smooth_quant: float | None = 0.95
    corrects_biases: bool = True
    is_symmetric: bool = False
    kept_in_float: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield "MinMax" if self.smooth_quant is None else f"SmoothQuant {self.smooth_quant:g}"
        if self.corrects_biases:
            yield "bias correction"
        if self.is_symmetric:
            yield "symmetric"
        if self.kept_in_float:
            yield f"{', '.join(self.kept_in_float)} in float"
