"""Training: batches of similar length, the teacher's fine-tuning, the student's distillation."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from sentiment_phrases import POSITIVE
from sentiment_sets import Example
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers import (
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

MAX_LENGTH = 128
MAX_ROWS = 64
WARM_UP = 0.1
LABELS = {0: "negative", 1: "positive"}
# Each student layer starts from this teacher layer and is taught to repeat its output.
MIRRORED_LAYERS = (1, 3, 5)
DISTILBERT_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens, padded at the end, and their labels."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The arguments of a model's forward."""
        return {"input_ids": self.input_ids, "attention_mask": self.attention_mask}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int
    learning_rate: float
    batch_tokens: int = 1024
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Distillation:
    """The weights of the three losses; temperature softens both distributions."""

    temperature: float = 2.0
    soft: float = 1.0
    cosine: float = 1.0
    hard: float = 0.5


@dataclass(slots=True)
class History:
    """The mean of each loss in each epoch, and the time it all took."""

    losses: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0


Losses = dict[str, Tensor]
LossOf = Callable[[Batch], Losses]


class Encoded:
    """Examples as token ids, which come out in batches of similar length."""

    def __init__(self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> None:
        texts = [example.text for example in examples]
        self.ids = tokenizer(texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]
        self.labels = [example.label for example in examples]

    def __len__(self) -> int:
        return len(self.ids)

    def sorted(self) -> tuple[list[int], Iterator[Batch]]:
        """Return the indices from short to long, and the batches in that order."""
        order = sorted(range(len(self)), key=lambda index: len(self.ids[index]))
        starts = range(0, len(self), MAX_ROWS)
        return order, (self._batch(order[start : start + MAX_ROWS]) for start in starts)

    def shuffled(self, rng: random.Random, *, tokens: int) -> list[Batch]:
        """Return one epoch; neighbours in length share a batch, batches are in random order."""
        # The noise mixes the company a text keeps from epoch to epoch.
        order = sorted(range(len(self)), key=lambda i: len(self.ids[i]) + 3 * rng.random())
        batches = [self._batch(group) for group in self._groups(order, tokens)]
        rng.shuffle(batches)
        return batches

    def _groups(self, order: list[int], tokens: int) -> Iterator[list[int]]:
        group: list[int] = []
        width = 0
        for index in order:
            width = max(width, len(self.ids[index]))
            if group and ((len(group) + 1) * width > tokens or len(group) == MAX_ROWS):
                yield group
                group, width = [], len(self.ids[index])
            group.append(index)
        yield group

    def _batch(self, indices: Sequence[int]) -> Batch:
        rows = [self.ids[index] for index in indices]
        width = max(map(len, rows))
        input_ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        return Batch(
            input_ids=input_ids,
            attention_mask=(input_ids != 0).long(),
            labels=torch.tensor([self.labels[index] for index in indices]),
        )


def _optimizer(model: PreTrainedModel, schedule: Schedule) -> torch.optim.AdamW:
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed = {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.01}
    spared = {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0}
    return torch.optim.AdamW([decayed, spared], lr=schedule.learning_rate, fused=True)


def _rise_and_fall(steps: int) -> Callable[[int], float]:
    warm = max(1, int(WARM_UP * steps))
    return lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def _step(model: PreTrainedModel, losses_of: LossOf, batch: Batch) -> dict[str, float]:
    losses = losses_of(batch)
    torch.stack(list(losses.values())).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return {name: loss.item() for name, loss in losses.items()}


def _mean(records: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(r[name] for r in records) / len(records) for name in records[0]}


def train(
    model: PreTrainedModel, examples: Encoded, *, losses_of: LossOf, schedule: Schedule
) -> History:
    """Train the model in place."""
    started = time.monotonic()
    rng = random.Random(schedule.seed)  # noqa: S311 - variety, not secrecy
    epochs = [examples.shuffled(rng, tokens=schedule.batch_tokens) for _ in range(schedule.epochs)]
    history = History(steps=sum(map(len, epochs)))
    optimizer = _optimizer(model, schedule)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, _rise_and_fall(history.steps))
    model.train()
    with tqdm(total=history.steps, mininterval=5, desc=type(model).__name__) as bar:
        for epoch in epochs:
            records = []
            for batch in epoch:
                optimizer.zero_grad()
                records.append(_step(model, losses_of, batch))
                optimizer.step()
                rate.step()
                bar.update()
                bar.set_postfix(_mean(records[-100:]), refresh=False)
            history.losses.append(_mean(records))
    history.seconds = time.monotonic() - started
    return history


def freeze_words(model: PreTrainedModel) -> None:
    """Keep the word vectors: words that the sets lack stay in line with those they have."""
    model.get_input_embeddings().weight.requires_grad_(False)  # noqa: FBT003 - torch's signature


def teacher_losses(teacher: PreTrainedModel) -> LossOf:
    """Return the plain loss of fine-tuning."""

    def losses_of(batch: Batch) -> Losses:
        with torch.autocast("cpu", torch.bfloat16):
            logits = teacher(**batch.inputs).logits
        return {"hard": functional.cross_entropy(logits.float(), batch.labels)}

    return losses_of


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return how far the student's softened distribution is from the teacher's."""
    # The square keeps the gradient's size when the temperature changes (Hinton et al., 2015).
    return temperature**2 * functional.kl_div(
        functional.log_softmax(student.float() / temperature, dim=-1),
        functional.log_softmax(teacher.float() / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )


def cosine_loss(student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Return how far the hidden states of real tokens point apart, averaged over layers."""
    mirrored = [teacher[layer + 1] for layer in MIRRORED_LAYERS]
    angles = [
        1 - functional.cosine_similarity(ours.float(), theirs.float(), dim=-1)
        for ours, theirs in zip(student[1:], mirrored, strict=True)
    ]
    return (torch.stack(angles).mean(0) * mask).sum() / mask.sum()


def student_losses(
    student: PreTrainedModel, teacher: PreTrainedModel, weights: Distillation
) -> LossOf:
    """Return the triple loss of DistilBERT, with the task's labels for the masked words."""
    teacher.eval()

    def losses_of(batch: Batch) -> Losses:
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                taught = teacher(**batch.inputs, output_hidden_states=True)
            ours = student(**batch.inputs, output_hidden_states=True)
        soft = soft_loss(ours.logits, taught.logits, weights.temperature)
        cosine = cosine_loss(ours.hidden_states, taught.hidden_states, batch.attention_mask)
        hard = functional.cross_entropy(ours.logits.float(), batch.labels)
        return {
            "soft": weights.soft * soft,
            "cosine": weights.cosine * cosine,
            "hard": weights.hard * hard,
        }

    return losses_of


def _embeddings(teacher: dict[str, Tensor]) -> dict[str, Tensor]:
    ours, theirs = "distilbert.embeddings", "bert.embeddings"
    kept = ("word_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias")
    state = {f"{ours}.{name}": teacher[f"{theirs}.{name}"] for name in kept}
    # DistilBERT has no token types; with one segment, BERT adds the same vector everywhere.
    segment = teacher[f"{theirs}.token_type_embeddings.weight"][0]
    positions = teacher[f"{theirs}.position_embeddings.weight"]
    return {**state, f"{ours}.position_embeddings.weight": positions + segment}


def student_state(teacher: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the student's first tensors: the teacher's embeddings and mirrored layers."""
    state = _embeddings(teacher)
    for ours, theirs in enumerate(MIRRORED_LAYERS):
        for bert, distilbert in DISTILBERT_NAMES.items():
            for kind in ("weight", "bias"):
                name = f"distilbert.transformer.layer.{ours}.{distilbert}.{kind}"
                state[name] = teacher[f"bert.encoder.layer.{theirs}.{bert}.{kind}"]
    return state


def new_student(teacher: BertForSequenceClassification) -> DistilBertForSequenceClassification:
    """Return a student of half the teacher's depth, begun from every other layer of it."""
    config = DistilBertConfig(
        vocab_size=teacher.config.vocab_size,
        max_position_embeddings=teacher.config.max_position_embeddings,
        dim=teacher.config.hidden_size,
        hidden_dim=teacher.config.intermediate_size,
        n_heads=teacher.config.num_attention_heads,
        n_layers=len(MIRRORED_LAYERS),
        seq_classif_dropout=0.1,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
    )
    student = DistilBertForSequenceClassification(config)
    _, unexpected = student.load_state_dict(student_state(teacher.state_dict()), strict=False)
    if unexpected:
        raise ValueError(f"this transformers names DistilBERT's tensors otherwise: {unexpected}")
    return student


def probabilities(model: PreTrainedModel, examples: Encoded) -> Tensor:
    """Return each example's probability of being positive, in full precision."""
    model.eval()
    order, batches = examples.sorted()
    with torch.inference_mode():
        logits = torch.cat([model(**batch.inputs).logits for batch in batches])
    # The inverse of the order puts the answers back where their texts stand.
    return logits.softmax(-1)[torch.tensor(order).argsort(), POSITIVE]
