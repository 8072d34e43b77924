"""A checkpoint, from its name to its config and tensors; no code of it is ever run."""

from goldcrest.checkpoint.folder import Checkpoint, read
from goldcrest.checkpoint.hub import locate
from goldcrest.checkpoint.tensors import Tensors

__all__ = ["Checkpoint", "Tensors", "locate", "read"]
