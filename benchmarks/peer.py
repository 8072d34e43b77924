"""The servers that are compared: how each is started, asked and understood."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

MAX_TOKENS = 512
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@dataclass(frozen=True)
class Tolerance:
    """How far probabilities may be from the reference: at most, and on average.

    The model's weights are random, so rounding moves its answers more than those of a trained
    model. The answer to another text is off by 0.25 on average, which these limits tell apart.
    """

    largest: float
    mean: float


TOLERANCES = {
    "f32": Tolerance(1e-3, 1e-4),
    "bf16": Tolerance(0.06, 0.01),
    "int8": Tolerance(0.20, 0.03),
}


@dataclass(frozen=True)
class Site:
    """Where a server finds its things; the fields fill the placeholders of its command."""

    python: Path
    model: Path
    artifact: Path
    home: Path
    programs: Path
    port: int

    def fill(self, template: str) -> str:
        return template.format(
            python=self.python,
            bin=self.python.parent,
            model=self.model,
            artifact=self.artifact,
            home=self.home,
            programs=self.programs,
            port=self.port,
        )


@dataclass(frozen=True)
class Peer:
    """One server and one way to run it.

    `requirements` names a file in `peers/`; without one the server runs in the project's own
    environment. `prepare` runs once, before the first start. `threads` says what the server's threads
    do, by how their names begin, where it names them.
    """

    name: str
    title: str
    precision: str
    command: tuple[str, ...]
    path: str
    body: Callable[[str], str]
    answer: Callable[[str], list[float]]
    ready: str
    env: Mapping[str, str] = field(default_factory=dict)
    requirements: str | None = None
    prepare: tuple[str, ...] = ()
    metrics: str | None = None
    threads: Mapping[str, str] = field(default_factory=dict)

    @property
    def tolerance(self) -> Tolerance:
        return TOLERANCES[self.precision]

    def argv(self, site: Site) -> tuple[str, ...]:
        return tuple(site.fill(part) for part in self.command)

    def environment(self, site: Site) -> dict[str, str]:
        return {name: site.fill(value) for name, value in {**OFFLINE, **self.env}.items()}


def classify_body(text: str | list[str]) -> str:
    """The guide's request, and Goldcrest's."""
    return json.dumps({"text": text, "max_length": MAX_TOKENS})


def classify_answer(body: str) -> list[float]:
    """Probabilities in the order of the labels."""
    predictions: list[list[float]] = json.loads(body)["predictions"]
    return predictions[0]


def infinity_body(text: str) -> str:
    """Infinity's request."""
    return json.dumps({"model": "bench", "input": [text]})


def infinity_answer(body: str) -> list[float]:
    """Infinity sorts by probability; LABEL_0, LABEL_1 ... bring them back in order."""
    scores = json.loads(body)["data"][0]
    in_order = sorted(scores, key=lambda score: int(score["label"].removeprefix("LABEL_")))
    return [float(score["score"]) for score in in_order]


def guide() -> Peer:
    """The production guide's own server."""
    return Peer(
        name="guide",
        title="guide's FastAPI + transformers, f32",
        precision="f32",
        requirements="guide.txt",
        command=(
            *("{python}", "-m", "uvicorn", "guide_server:app", "--app-dir", "{programs}"),
            *("--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning"),
        ),
        env={"GUIDE_MODEL": "{model}"},
        path="/classify",
        body=classify_body,
        answer=classify_answer,
        ready="/openapi.json",
    )


def infinity(precision: str, dtype: str) -> Peer:
    """Infinity on PyTorch, with the options that served these texts fastest.

    BetterTransformer skips padding and halves the processor time of a text. Its own warm-up, which
    runs batches of 512 tokens, only delays the first answer: every server is warmed by the load.
    """
    return Peer(
        name=f"infinity-{precision}",
        title=f"infinity, torch {precision}",
        precision=precision,
        requirements="infinity.txt",
        command=(
            *("{bin}/infinity_emb", "v2", "--model-id", "{model}", "--served-model-name", "bench"),
            *("--engine", "torch", "--device", "cpu", "--dtype", dtype, "--batch-size", "32"),
            *("--bettertransformer", "--no-model-warmup", "--log-level", "warning"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        env={"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"},
        path="/classify",
        body=infinity_body,
        answer=infinity_answer,
        ready="/health",
    )


def goldcrest(precision: str) -> Peer:
    """Goldcrest at one precision, without kept answers, otherwise as it comes."""
    return Peer(
        name=f"goldcrest-{precision}",
        title=f"goldcrest {precision}",
        precision=precision,
        prepare=(
            *("{bin}/goldcrest", "compile", "{model}", "--out", "{artifact}"),
            *("--precision", "f32", "--precision", "int8", "--calibrate", "{home}/calibration.txt"),
        ),
        command=("{bin}/goldcrest", "serve", "{artifact}", "--port", "{port}"),
        env={
            "GOLDCREST_ENGINE__PRECISION": precision,
            "GOLDCREST_CACHE__FOLDER": "{home}/cache",
            "GOLDCREST_CACHE__ANSWERS_MIB": "0",  # all texts differ: kept answers would only take room
        },
        path="/classify",
        body=classify_body,
        answer=classify_answer,
        ready="/health/ready",
        metrics="/metrics",
        threads={"tokenize": "tokenise", "slot-": "slots"},
    )


def builtin() -> Peer:
    """Goldcrest as it comes, with the model that it ships."""
    return replace(
        goldcrest("auto"),
        name="goldcrest-builtin",
        title="goldcrest, built-in model",
        command=("{bin}/goldcrest", "serve", "--port", "{port}"),
        env={"GOLDCREST_CACHE__FOLDER": "{home}/cache"},
        prepare=(),
    )


BASELINES = ("guide", "infinity-bf16")
PEERS: tuple[Peer, ...] = (
    guide(),
    infinity("f32", "float32"),
    infinity("bf16", "bfloat16"),
    goldcrest("int8"),
    goldcrest("bf16"),
)


def chosen(names: str | None) -> tuple[Peer, ...]:
    """The peers with these names, in the table's order; all of them by default."""
    wanted = names.split(",") if names else [peer.name for peer in PEERS]
    unknown = set(wanted) - {peer.name for peer in PEERS}
    if unknown:
        raise ValueError(f"unknown peers {sorted(unknown)}; known: {[p.name for p in PEERS]}")
    return tuple(peer for peer in PEERS if peer.name in wanted)
