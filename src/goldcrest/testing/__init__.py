"""The fakes and tiny models that our own tests use, for yours."""

from goldcrest.testing.artifact import tiny_artifact
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.testing.clock import ManualClock
from goldcrest.testing.engine import FakeEngine, fake_logits

__all__ = ["FakeEngine", "ManualClock", "fake_logits", "random_checkpoint", "tiny_artifact"]
