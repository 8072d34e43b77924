"""From a checkpoint to an artifact: the graph, its INT8 form, the tokenizer, the manifest."""

from goldcrest.compile.build import COMPILER, Variant, build_artifact

__all__ = ["COMPILER", "Variant", "build_artifact"]
