"""Settings of a distillation: the keys of a recipe's stage, which are the flags of the command."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Kind = Literal["labels", "task", "embedding", "masked-lm"]
"""What a stage learns from: labels alone, a classifier, an embedder, or a language model."""
StudentFamily = Literal["", "distilbert", "bert"]
Problem = Literal["", "single_label_classification", "multi_label_classification", "regression"]
Arithmetic = Literal["auto", "f32", "bf16"]

Weight = Annotated[float, Meta(ge=0, le=1000)] | None
Count = Annotated[int, Meta(ge=0, le=1_000_000)] | None

WEIGHTS: dict[Kind, dict[str, float]] = {
    "labels": {"hard": 1.0},
    "task": {"soft": 1.0, "cosine": 1.0, "hard": 0.5},
    "embedding": {"vector": 1.0, "similarity": 1.0, "cosine": 0.0},
    "masked-lm": {"soft": 5.0, "cosine": 1.0, "hard": 2.0},
}
"""Kind -> the weights of its losses where a stage does not say.

Those of ``masked-lm`` are those of DistilBERT (Sanh et al., 2019, https://arxiv.org/abs/1910.01108).
"""


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One student, and how it is trained."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
            description="of the stage, and of its folder in a recipe",
        ),
    ] = "student"
    kind: Annotated[
        Kind,
        Meta(
            description="labels: plain fine-tuning; task: of a classifier; embedding: of sentence vectors; masked-lm: of a language model"
        ),
    ]
    teacher: Annotated[
        str,
        Meta(
            min_length=1,
            description="folder, Hub id, or stage:NAME; for labels: the checkpoint to fine-tune",
        ),
    ]
    start: Annotated[
        str, Meta(description="where the student's weights begin, if not from the teacher's layers")
    ] = ""
    data: Annotated[tuple[str, ...], Meta(min_length=1, description="files of texts to train on")]
    held_back: Annotated[
        tuple[str, ...], Meta(description="files of texts to evaluate on, each on its own")
    ] = ()
    held_back_share: Annotated[
        float,
        Meta(ge=0, lt=1, description="of the data, by a hash of the text, where no file is given"),
    ] = 0.05
    text: Annotated[str, Meta(min_length=1, description="column of the text")] = "text"
    second: Annotated[str, Meta(min_length=1, description="column of a pair's second text")] = (
        "text_pair"
    )
    label: Annotated[str, Meta(min_length=1, description="column of the label")] = "label"
    labels: Annotated[
        tuple[str, ...], Meta(description="class names in order; else those of the data, sorted")
    ] = ()
    problem_type: Annotated[
        Problem,
        Meta(
            description="what labels are, as in config.json; empty: as the teacher's, or, for labels, several where a row has a list, else one class"
        ),
    ] = ""
    max_rows: Annotated[
        int, Meta(ge=0, le=100_000_000, description="rows to train on, drawn at random; 0: all")
    ] = 0

    family: Annotated[StudentFamily, Meta(description="architecture; empty: the teacher's")] = ""
    layers: Annotated[int, Meta(ge=0, le=48, description="0: as the teacher")] = 0
    width: Annotated[
        int,
        Meta(
            ge=0, le=4096, description="of states; 0: as the teacher; embedding: of its vectors too"
        ),
    ] = 0
    heads: Annotated[
        int, Meta(ge=0, le=128, description="of attention; 0: each as wide as the teacher's")
    ] = 0
    ffn: Annotated[
        int, Meta(ge=0, le=16_384, description="feed-forward width; 0: in the teacher's proportion")
    ] = 0
    trim_vocabulary: Annotated[
        Count,
        Meta(
            description="keep the N tokens that the data needs most, and all characters; 0: all that occur",
        ),
    ] = None
    max_length: Annotated[
        int, Meta(ge=8, le=8192, description="tokens per text, special ones included")
    ] = 128

    epochs: Annotated[int, Meta(ge=1, le=10_000, description="times through the data")] = 3
    max_steps: Annotated[
        int, Meta(ge=0, le=1_000_000_000, description="end after so many; 0: after the epochs")
    ] = 0
    learning_rate: Annotated[
        float, Meta(gt=0, le=1, description="at its highest; it rises, then falls to 0 evenly")
    ] = 2e-4
    warm_up: Annotated[float, Meta(ge=0, lt=1, description="share of the steps it rises in")] = 0.1
    weight_decay: Annotated[float, Meta(ge=0, le=1, description="of AdamW")] = 0.01
    dropout: Annotated[float, Meta(ge=0, lt=1, description="of the student while it learns")] = 0.1
    batch_tokens: Annotated[
        int, Meta(ge=64, le=1_000_000, description="token slots of a batch, padding included")
    ] = 2048
    batch_rows: Annotated[int, Meta(ge=2, le=100_000, description="texts of a batch, at most")] = (
        128
    )
    freeze_tokens: Annotated[
        bool, Meta(description="leave the token table as it is: faster, and rare words keep it")
    ] = False
    temperature: Annotated[
        float, Meta(gt=0, le=100, description="that softens both distributions")
    ] = 2.0
    soft: Annotated[Weight, Meta(description="weight of the teacher's distribution")] = None
    cosine: Annotated[Weight, Meta(description="weight of the angle between hidden states")] = None
    hard: Annotated[Weight, Meta(description="weight of the labels, or of the masked words")] = None
    vector: Annotated[Weight, Meta(description="weight of the angle between vectors")] = None
    similarity: Annotated[Weight, Meta(description="weight of the similarities within a batch")] = (
        None
    )
    mask_share: Annotated[
        float, Meta(gt=0, lt=1, description="of tokens that are masked; masked-lm")
    ] = 0.15

    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="of all that is random")] = 0
    precision: Annotated[
        Arithmetic, Meta(description="auto: bf16 where the processor has it, else f32")
    ] = "auto"
    keep_mib: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="memory for the teacher's hidden states; where they need more, they are computed anew each time",
        ),
    ] = 4096
    checkpoint_minutes: Annotated[
        float, Meta(gt=0, le=10_000, description="between checkpoints")
    ] = 10.0

    def weights(self) -> dict[str, float]:
        """The weights of the losses of its kind, in their order, without those that are 0."""
        defaults = WEIGHTS[self.kind]
        stated = {name: getattr(self, name) for name in defaults}
        chosen = {name: defaults[name] if w is None else w for name, w in stated.items()}
        return {name: weight for name, weight in chosen.items() if weight}
