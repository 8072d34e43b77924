"""Our graphs of random checkpoints, run by OpenVINO on packed texts, in float32 unless told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.engine.openvino import core
from goldcrest.heads.reading import reader
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.names import Readable
from goldcrest.values import Encoding, Floats, Grid

READOUTS: tuple[Readable, ...] = ("classify", "embed", "tokens", "span", "fill")


def opened(folder: Path, task: Readable | None = None) -> tuple[Encoder, Readout]:
    encoder = resolve(read(folder))
    return encoder, readout_of(encoder, task)


class Graph:
    """A compiled graph.

    Args:
        model: as `goldcrest.graph.build` writes it.
        readout: says how its output is read.
        hint: the arithmetic of whatever the graph does not quantise, "f32" or "bf16".
    """

    def __init__(self, model: onnx.ModelProto, readout: Readout, *, hint: str = "f32") -> None:
        options = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": 2}
        model = core().read_model(model.SerializeToString())
        self._compiled = core().compile_model(model, "CPU", options)
        # Every state is compared, not only what some pooling leaves of it.
        self._read = reader("tokens" if readout.task == "embed" else readout.task)

    def __call__(self, grid: Grid) -> list[Floats]:
        """What the graph says of each job."""
        return list(self._read({"logits": self.raw(grid)}, grid))

    def raw(self, grid: Grid) -> Floats:
        """The graph's output as it is."""
        inputs = {port.any_name: getattr(grid, port.any_name) for port in self._compiled.inputs}
        return np.array(self._compiled(inputs)[0])


def compiled(encoder: Encoder, readout: Readout) -> Graph:
    return Graph(graph.build(encoder, readout), readout)


def random_encodings(
    encoder: Encoder, lengths: Sequence[int], *, n_picks: int = 0, seed: int = 0
) -> list[Encoding]:
    """Tokens at random, with token types where the encoder has them.

    Args:
        encoder: gives the sizes.
        lengths: tokens of each.
        n_picks: places picked in each; 0 leaves that to the readout.
        seed: the same seed gives the same tokens.
    """
    rng = np.random.default_rng(seed)

    def one(length: int) -> Encoding:
        ids = rng.integers(5, encoder.spec.vocab_size, length)
        types = np.sort(rng.integers(0, max(encoder.spec.n_token_types, 1), length))
        picks = np.sort(rng.permutation(length)[:n_picks])
        kinds: list[Any] = [array.astype(np.int32) for array in (ids, types, picks)]
        has_types = encoder.spec.has_token_types
        return Encoding(
            kinds[0], kinds[1] if has_types else None, picks=kinds[2] if n_picks else None
        )

    return [one(length) for length in lengths]
