"""What transformers says of the same checkpoint: one text at a time, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goldcrest.names import Readable
from goldcrest.values import Encoding, Floats

_LOADERS: dict[Readable, str] = {
    "classify": "AutoModelForSequenceClassification",
    "embed": "AutoModel",
    "tokens": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
    "fill": "AutoModelForMaskedLM",
}


def reference(folder: Path, task: Readable, encodings: Sequence[Encoding]) -> list[Floats]:
    """What transformers puts out for each text, in the shape in which `Graph` gives it."""
    model = load(folder, task)
    return [_one(model, task, encoding) for encoding in encodings]


def load(folder: Path, task: Readable) -> Any:
    """The model in transformers, which must find every tensor and use every tensor."""
    import torch
    import transformers

    loader = getattr(transformers, _LOADERS[task])
    model, info = loader.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
    )
    strange = [*info["missing_keys"], *info["unexpected_keys"], *info["mismatched_keys"]]
    assert not [name for name in strange if "pooler" not in name], strange
    return model.eval()


def _one(model: Any, task: Readable, encoding: Encoding) -> Floats:
    import torch

    inputs = {"input_ids": torch.tensor(encoding.ids[None].astype(np.int64))}
    if encoding.token_types is not None:
        inputs["token_type_ids"] = torch.tensor(encoding.token_types[None].astype(np.int64))
    with torch.no_grad():
        output = model(**inputs)
    if task == "embed":
        return np.asarray(output.last_hidden_state[0])
    if task == "span":
        return np.stack([output.start_logits[0], output.end_logits[0]], axis=1)
    logits = np.asarray(output.logits[0])
    return logits if task != "fill" else logits[0 if encoding.picks is None else encoding.picks]
