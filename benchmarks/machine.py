"""What the benchmark ran on: numbers without it mean nothing."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

FEATURES = (
    *("amx_int8", "amx_bf16", "avx512_vnni", "avx512_bf16", "avx_vnni", "avx512f", "avx2"),
    *("asimddp", "i8mm", "bf16", "sve"),
)


@dataclass(frozen=True)
class Machine:
    """A processor, the part of it that we may use, and the system on it."""

    processor: str
    features: tuple[str, ...]
    cores: int
    memory_gib: float
    system: str
    python: str


def this_machine() -> Machine:
    """Reads /proc, so Linux only."""
    facts = _processor_facts(Path("/proc/cpuinfo").read_text())
    has = set((facts.get("flags") or facts.get("Features") or "").split())
    return Machine(
        processor=_processor_name(facts),
        features=tuple(feature for feature in FEATURES if feature in has),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _processor_facts(text: str) -> dict[str, str]:
    """The facts about the first processor."""
    lines = (line.partition(":") for line in text.split("\n\n", maxsplit=1)[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _processor_name(facts: dict[str, str]) -> str:
    """The name; virtual machines often hide it, so family and model as well."""
    name = facts.get("model name", platform.machine())
    details = [f"{key.removeprefix('cpu ')} {facts[key]}" for key in _DETAILS if key in facts]
    return f"{name} ({', '.join(details)})" if details else name


_DETAILS = ("cpu family", "model", "stepping")
