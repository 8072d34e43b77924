"""Files of a run: checkpoints to go on from, and the result in the layout of the Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from goldcrest.distill.training import History, Trainer
from goldcrest.errors import TrainingError

_STATE = "state.json"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save_state(folder: Path, trainer: Trainer, history: History, digest: str) -> None:
    """Write a checkpoint; the one before it goes when this one is whole.

    Args:
        folder: of the run.
        trainer: whose modules and optimizer are written.
        history: how far it is.
        digest: of everything that the run depends on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"state-{history.step}.safetensors"
    draft = file.with_suffix(".draft")
    save_file(_tensors(trainer), draft)
    draft.replace(file)
    said = {
        "file": file.name,
        "digest": digest,
        "step": history.step,
        "curve": history.curve,
        "seconds": history.seconds,
    }
    _write_json(folder / "state.draft", said)
    (folder / "state.draft").replace(folder / _STATE)
    for old in folder.glob("state-*.safetensors"):
        if old != file:
            old.unlink()


def _named(trainer: Trainer) -> dict[str, Any]:
    return {
        f"{kind}.{name}": parameter
        for kind, module in trainer.modules.items()
        for name, parameter in module.named_parameters()
    }


def _tensors(trainer: Trainer) -> dict[str, Any]:
    tensors = {}
    for name, parameter in _named(trainer).items():
        tensors[f"weight.{name}"] = parameter.detach().contiguous()
        for moment, value in trainer.optimizer.state.get(parameter, {}).items():
            tensors[f"{moment}.{name}"] = value.contiguous()
    return tensors


def has_state(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return (folder / _STATE).is_file()


def check_state(folder: Path, digest: str) -> None:
    """Refuse to go on with a run of something else; where there is no checkpoint, there is nothing.

    Args:
        folder: of the run.
        digest: of everything that the run depends on.

    Raises:
        TrainingError: the checkpoint is of a run with other settings, texts or weights.
    """
    if has_state(folder) and _state(folder)["digest"] != digest:
        raise TrainingError(
            f"{folder} holds a run with other settings, texts or weights; give another --out, or "
            "remove that folder"
        )


def _state(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / _STATE).read_bytes())
    return said


def load_state(folder: Path, trainer: Trainer) -> History:
    """Put a trainer where its checkpoint was written."""
    said = _state(folder)
    tensors = load_file(folder / said["file"])
    with torch.no_grad():
        for name, parameter in _named(trainer).items():
            parameter.copy_(tensors[f"weight.{name}"])
            if f"step.{name}" in tensors:
                trainer.optimizer.state[parameter] = {
                    moment: tensors[f"{moment}.{name}"].to(parameter.device) for moment in _MOMENTS
                }
    return History(said["step"], said["curve"], said["seconds"])


def save_result(
    folder: Path, model: Any, tokenizer: str, settings: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write a model in the layout of the Hub.

    Args:
        folder: made if absent.
        model: a `transformers.PreTrainedModel`.
        tokenizer: the text of its ``tokenizer.json``.
        settings: name of a file -> what stands in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.eval().save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    vocabulary = json.loads(tokenizer)["model"].get("vocab", {})
    if isinstance(vocabulary, dict):
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    for name, content in settings.items():
        (folder / name).parent.mkdir(exist_ok=True)
        _write_json(folder / name, content)


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
