"""Models of PyTorch: the student, made from its config and first weights; the teacher, as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from goldcrest.distill.starting import Tensors
from goldcrest.errors import NoTrainedHead
from goldcrest.names import Readable

transformers.utils.logging.disable_progress_bar()  # one is shown already
transformers.utils.logging.set_verbosity_error()  # what is missing is told by `load`
_CLASSES: Mapping[Readable, str] = {
    "classify": "AutoModelForSequenceClassification",
    "fill": "AutoModelForMaskedLM",
    "embed": "AutoModel",
}


@dataclass(frozen=True, slots=True)
class Student:
    """A student before its first step.

    Attributes:
        model: a `transformers.PreTrainedModel`.
        fresh: the names of its tensors that begin at random.
    """

    model: Any
    fresh: tuple[str, ...]

    @property
    def head(self) -> Any:
        """The last layer of a classifier."""
        return self.model.classifier

    @property
    def n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())


def new_student(
    config: Mapping[str, Any], task: Readable, first: Tensors, *, seed: int, dropout: float
) -> Student:
    """Make a student.

    Args:
        config: as `shapes.student_config` gives it.
        task: what head it has.
        first: name in the model -> its first weights; those of another shape are left out.
        seed: of what begins at random.
        dropout: while it learns.
    """
    torch.manual_seed(seed)
    model = _from_config({**config, **_dropouts(config["model_type"], dropout)}, task)
    own = dict(model.named_parameters())
    fitting = {
        name: torch.tensor(array)
        for name, array in first.items()
        if name in own and own[name].shape == array.shape
    }
    model.load_state_dict(fitting, strict=False)
    fresh = tuple(sorted(set(own) - set(fitting)))
    return Student(model, fresh)


def _from_config(config: Mapping[str, Any], task: Readable) -> Any:
    made = transformers.CONFIG_MAPPING[config["model_type"]](
        **{name: value for name, value in config.items() if name != "model_type"}
    )
    kind = getattr(transformers, _CLASSES[task])
    return kind.from_config(made, **_plain(made.model_type, task))


def _dropouts(model_type: str, dropout: float) -> dict[str, float]:
    if model_type == "distilbert":
        return {"dropout": dropout, "attention_dropout": dropout, "seq_classif_dropout": dropout}
    return {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}


def load(folder: Path, task: Readable) -> Any:
    """A trained model, without its code and in evaluation.

    Raises:
        NoTrainedHead: it lacks weights, such as those of a head that was never trained.
    """
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    model, told = getattr(transformers, _CLASSES[task]).from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        **_plain(config.model_type, task),
    )
    if missing := sorted(told["missing_keys"]):
        raise NoTrainedHead(
            f"{folder} lacks {', '.join(missing)}, so it was never trained to {task}"
        )
    return model.eval()


def _plain(model_type: str, task: Readable) -> dict[str, bool]:
    """Leaves out the pooler, which embedders seldom have and nothing here reads."""
    is_pooled = task == "embed" and model_type not in ("distilbert", "electra")
    return {"add_pooling_layer": False} if is_pooled else {}
