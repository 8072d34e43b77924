"""A checkpoint, from its name to its config and tensors; no code of it is ever run."""

from goldcrest.checkpoint.folder import Checkpoint, read
from goldcrest.checkpoint.hub import at_hand, locate
from goldcrest.checkpoint.tensors import Tensors

__all__ = ["Checkpoint", "Tensors", "at_hand", "locate", "read"]
