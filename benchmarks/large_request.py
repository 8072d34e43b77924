"""What a large request costs beside its engine: 1,000 texts in, 1,000 vectors of 384 numbers out.

A model of MiniLM-L6's size (random weights, INT8) answers the texts; its engine's seconds are those of
its batch reports. Reading the body and writing the vectors are timed by themselves, in every form that
a protocol has for them.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tokenizers
from rich.progress import track

from benchmarks.machine import this_machine
from benchmarks.markdown import table
from benchmarks.workload import Texts, find_vocabulary, vocabulary_words
from goldcrest.app.site import Threads, open_model, open_site
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.config import CacheConfig, Config, EngineConfig, ModelConfig
from goldcrest.config.machine import usable_processors
from goldcrest.oip.tensor import of_array
from goldcrest.records import BatchReport
from goldcrest.serving.served import Served
from goldcrest.tasks import Embed, Request
from goldcrest.testing import random_checkpoint
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import AS_IT_COMES, Floats
from goldcrest.web.openai import EmbeddingsRequest, packed
from goldcrest.web.rows import rows
from goldcrest.web.tei.words import EmbedRequest

ROOT = Path(__file__).parents[1]
SIZES: dict[str, Any] = {
    "n_layers": 6,
    "width": 384,
    "n_heads": 12,
    "ffn_width": 1536,
    "max_positions": 512,
}
N_RUNS = 20


def artifact(folder: Path, tokenizer: Path) -> Path:
    """An embedder of MiniLM-L6's size with a real vocabulary."""
    n_tokens = tokenizers.Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    made = random_checkpoint(
        folder / "checkpoint", family="bert", pooling="mean", vocab_size=n_tokens, **SIZES
    )
    shutil.copy(tokenizer, made / "tokenizer.json")
    build_artifact(read(made, "minilm-sized"), folder / "artifact", variants=("int8",))
    return folder / "artifact"


def middle_ms(work: Callable[[], object]) -> float:
    """The median of some runs, in milliseconds."""
    seconds = []
    for _ in range(N_RUNS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds) * 1e3


def parts(texts: Sequence[str], vectors: Floats, tokenizer: Tokenizer) -> dict[str, float]:
    """Milliseconds of each step that is not the engine's."""
    tei = msgspec.json.Decoder(EmbedRequest)
    openai = msgspec.json.Decoder(EmbeddingsRequest)
    asked = msgspec.json.encode({"inputs": texts})
    asked_openai = msgspec.json.encode({"input": texts, "encoding_format": "base64"})
    return {
        "tokenise": middle_ms(lambda: tokenizer.encode_all(texts, AS_IT_COMES)),
        "read TEI body": middle_ms(lambda: tei.decode(asked)),
        "write JSON numbers": middle_ms(lambda: rows(vectors)),
        "read OpenAI body": middle_ms(lambda: openai.decode(asked_openai)),
        "write base64": middle_ms(lambda: list(packed(vectors))),
        "write binary tensor": middle_ms(lambda: of_array("embedding", vectors).raw),
    }


def measured(folder: Path, texts: Sequence[str], n_runs: int) -> list[list[str]]:
    """The engine's median seconds for all the texts, and each other step beside them."""
    reports: list[BatchReport] = []
    engine = EngineConfig(threads=usable_processors(), precision="int8")
    config = Config(cache=CacheConfig(folder=str(folder / "cache")), engine=engine)
    site = open_site(config, Threads(), report=reports.append)
    model = ModelConfig(source=str(folder / "artifact"), name="m", precision="int8")
    version = open_model(model, config, site, lambda _: None)
    request = Request(Embed(), texts)
    seconds = []
    try:
        reply = Served(version).wait(request)  # warms
        for _ in track(range(n_runs), "embedding"):
            reports.clear()
            reply = Served(version).wait(request)
            seconds.append(sum(report.run_s for report in reports))
        steps = parts(texts, reply.outputs, version.tokenizer)
    finally:
        site.batcher.close()
        version.close()
        site.aside.shutdown()
    engine_ms = statistics.median(seconds) * 1e3
    name = f"engine, {sum(reply.n_tokens)} tokens"
    return [[name, f"{engine_ms:.0f}", "100 %"]] + [
        [name, f"{ms:.2f}", f"{ms / engine_ms:.2%}"] for name, ms in steps.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    tokenizer = find_vocabulary(None, ROOT)
    texts = Texts(vocabulary_words(tokenizer), seed=7).take(options.texts)
    with tempfile.TemporaryDirectory() as folder:
        artifact(Path(folder), tokenizer)
        lines = measured(Path(folder), texts, options.runs)
    machine = this_machine()
    print(f"{options.texts} texts on {machine.cores} cores of {machine.processor}")
    print(table(["step", "ms", "of the engine"], lines))


if __name__ == "__main__":
    main()
