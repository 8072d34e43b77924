"""The encoder families: one forward over a small set of operations, one file per family."""

from goldcrest.models.encoder import Spec
from goldcrest.models.readout import Readout, embedding, readout_of, readouts_of, task_of
from goldcrest.models.resolve import Encoder, resolve

__all__ = [
    "Encoder",
    "Readout",
    "Spec",
    "embedding",
    "readout_of",
    "readouts_of",
    "resolve",
    "task_of",
]
