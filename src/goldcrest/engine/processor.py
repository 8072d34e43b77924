"""What the processor can do, as far as precision is concerned."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

NOTEWORTHY = (
    "amx_int8",
    "amx_bf16",
    "avx512_vnni",
    "avx512_bf16",
    "amx_fp16",
    "avx512_fp16",
    "avx_vnni",
    "avx512f",
    "avx2",
    "bf16",
    "i8mm",
    "asimddp",
    "asimdhp",
)
"""Features that decide how fast a precision is, named as the kernel names them."""

_BF16 = {"amx_bf16", "avx512_bf16", "bf16"}
_F16 = {"amx_fp16", "avx512_fp16", "asimdhp"}
_INT8 = {"amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp"}


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor's name and the features its kernel reports."""

    name: str
    features: frozenset[str]

    @property
    def has_native_bf16(self) -> bool:
        """Whether bf16 runs in hardware; emulated, it was measured 30 times slower than f32."""
        return bool(self.features & _BF16)

    @property
    def has_native_f16(self) -> bool:
        """Whether half precision runs in hardware."""
        return bool(self.features & _F16)

    @property
    def has_int8_products(self) -> bool:
        """Whether products of 8-bit numbers are added in 32 bits at once."""
        return bool(self.features & _INT8)

    def without_bf16(self) -> Processor:
        """The same processor as a runtime sees it that cannot use its bf16."""
        return Processor(self.name, self.features - _BF16)

    def without_int8_products(self) -> Processor:
        """The same processor as a runtime sees it that must not use its products of 8-bit numbers."""
        return Processor(self.name, self.features - _INT8)

    def without_f16(self) -> Processor:
        """The same processor as a runtime sees it that cannot use its half precision."""
        return Processor(self.name, self.features - _F16)

    @property
    def noteworthy(self) -> tuple[str, ...]:
        return tuple(feature for feature in NOTEWORTHY if feature in self.features)


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> Processor:
    """Read the processor's name and features; without /proc, its name alone."""
    fields: dict[str, str] = {}
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags") or fields.get("Features") or ""
    name = fields.get("model name") or platform.processor() or platform.machine()
    return Processor(name, frozenset(flags.split()))
