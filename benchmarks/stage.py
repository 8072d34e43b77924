"""Everything that stands before the first measurement: environments, model, texts, reference."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.answers import Reference
from benchmarks.environments import python_for, versions
from benchmarks.measure import Bench
from benchmarks.peer import Peer, Site, guide
from benchmarks.process import run_to_end
from benchmarks.workload import Script, Size, Texts, find_vocabulary, vocabulary_words, write_script

CALIBRATION = "calibration.txt"
CALIBRATION_SEED = 7919
N_CALIBRATION = 1200  # with a tenth of it INT8's largest error nearly doubled


@dataclass(frozen=True)
class Options:
    """What the command line decides."""

    peers: tuple[Peer, ...]
    size: Size
    repeats: int
    seed: int
    vocabulary: Path | None
    artifact: Path | None
    needs_reference: bool = True


@dataclass(frozen=True)
class Stage:
    """A benchmark that is ready to run."""

    peers: tuple[Peer, ...]
    pythons: dict[str, Path]
    versions: dict[str, dict[str, str]]
    model: Path
    artifact: Path
    bench: Bench
    scripts: tuple[Script, ...]
    texts: Texts

    def site(self, peer: Peer, port: int) -> Site:
        return Site(
            python=self.pythons.get(peer.name, Path(sys.executable)),
            model=self.model,
            artifact=self.artifact,
            home=self.bench.home,
            programs=self.bench.root / "benchmarks" / "peers",
            port=port,
        )


@dataclass(frozen=True)
class Workshop:
    """Where programs run that need torch and transformers."""

    python: Path
    programs: Path
    home: Path

    def program(self, name: str) -> Path:
        return self.programs / name

    def run(self, name: str, *arguments: Path) -> None:
        command = (self.python, self.program(name), *arguments)
        log = self.home / "logs" / f"{name}.log"
        run_to_end([str(part) for part in command], folder=self.home, log=log)


def set_up(root: Path, options: Options, console: Console) -> Stage:
    """Makes what is missing, and has the reference answer the texts that are checked."""
    home, programs = root / ".bench", root / "benchmarks" / "peers"
    home.mkdir(exist_ok=True)
    vocabulary = find_vocabulary(options.vocabulary, root)
    words = vocabulary_words(vocabulary)
    pythons = {
        peer.name: python_for(peer, home=home, requirements=programs, console=console)
        for peer in (guide(), *options.peers)
    }
    workshop = Workshop(pythons[guide().name], programs, home)
    with console.status("writing the model"):
        model = make_model(workshop, vocabulary, words)
    texts = Texts(words, options.seed)
    scripts = tuple(write_script(texts, options.size) for _ in range(options.repeats))
    reference = Reference({})
    if options.needs_reference:
        with console.status("asking the reference"):
            checked = [text for script in scripts for text in script.checked(options.size)]
            reference = make_reference(workshop, model, checked)
    stage = Stage(
        peers=options.peers,
        pythons=pythons,
        versions={peer.name: versions(pythons[peer.name]) for peer in options.peers},
        model=model,
        artifact=options.artifact or home / "artifact",
        bench=Bench(root, home, options.size, reference),
        scripts=scripts,
        texts=texts,
    )
    if options.artifact is None:
        prepare(stage, console)
    return stage


def make_model(workshop: Workshop, vocabulary: Path, words: list[str]) -> Path:
    """Writes the checkpoint, once for each vocabulary and version of its program."""
    folder, marker = workshop.home / "model", workshop.home / "model" / "made_from.txt"
    calibration = workshop.home / CALIBRATION
    calibration.write_text("\n".join(Texts(words, CALIBRATION_SEED).take(N_CALIBRATION)) + "\n")
    made_from = workshop.program("make_model.py").read_text() + vocabulary.read_text()
    if marker.is_file() and marker.read_text() == made_from:
        return folder
    workshop.run("make_model.py", vocabulary, calibration, folder)
    marker.write_text(made_from)
    return folder


def make_reference(workshop: Workshop, model: Path, texts: list[str]) -> Reference:
    """Has transformers answer the texts in f32, one at a time."""
    asked, answered = workshop.home / "texts.json", workshop.home / "reference.json"
    asked.write_text(json.dumps(texts))
    workshop.run("reference.py", model, asked, answered)
    return Reference(dict(zip(texts, json.loads(answered.read_text()), strict=True)))


def prepare(stage: Stage, console: Console) -> None:
    """Makes what peers need before their first start, anew each time: what makes it may change."""
    commands = {peer.prepare: peer for peer in stage.peers if peer.prepare}
    if commands:
        shutil.rmtree(stage.artifact, ignore_errors=True)
    for command, peer in commands.items():
        site = stage.site(peer, port=0)
        with console.status(f"preparing {peer.name}"):
            argv = [site.fill(part) for part in command]
            run_to_end(argv, folder=stage.bench.root, log=stage.bench.log(peer))
