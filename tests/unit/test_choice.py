"""Precision: only what runs in hardware, then whatever was measured as the fastest."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldcrest.engine.choice import Candidate, candidates, close, fastest
from goldcrest.engine.processor import Processor, processor
from goldcrest.errors import NoVariant

OLD = Processor("Old", frozenset({"avx2"}))
NEW = Processor("New", frozenset({"avx2", "avx512_vnni", "amx_bf16", "amx_int8"}))


def names(*args: object) -> list[str]:
    return [str(candidate) for candidate in candidates(*args)]  # type: ignore[arg-type]  # of tests


def test_bf16_is_a_candidate_only_where_the_processor_has_it() -> None:
    assert ["f32+f32"] == names(["f32"], OLD)
    assert ["f32+f32", "f32+bf16", "int8+f32", "int8+bf16"] == names(["f32", "int8"], NEW)


def test_a_precision_asked_for_narrows_the_candidates() -> None:
    assert ["int8+f32"] == names(["f32", "int8"], OLD, "int8")
    assert ["f32+bf16"] == names(["f32", "int8"], NEW, "bf16")


def test_emulated_bf16_is_refused_with_the_reason() -> None:
    with pytest.raises(NoVariant, match="Old would emulate"):
        candidates(["f32"], OLD, "bf16")


def test_a_missing_variant_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(NoVariant, match="has the variants f32"):
        candidates(["f32"], NEW, "int8")


def test_the_fastest_wins_whatever_its_precision() -> None:
    plain, wide = Candidate("f32", "f32", "f32"), Candidate("int8", "int8", "f32")

    assert plain == fastest({plain: 0.4, wide: 0.5})
    assert wide == fastest({plain: 0.4, wide: 0.1})


def test_half_the_bits_must_save_a_tenth_of_the_time_on_the_same_graph() -> None:
    plain, half = Candidate("int8", "int8", "f32"), Candidate("int8", "int8", "bf16")
    other = Candidate("f32", "f32", "f32")

    assert plain == fastest({plain: 0.40, half: 0.37, other: 0.45})
    assert half == fastest({plain: 0.40, half: 0.35, other: 0.45})
    assert half == fastest({half: 0.40})


def test_those_that_come_near_each_other_are_looked_at_twice() -> None:
    plain, half = Candidate("int8", "int8", "f32"), Candidate("int8", "int8", "bf16")
    other = Candidate("f32", "f32", "f32")

    assert (plain, half) == close({plain: 0.40, half: 0.35, other: 0.60})
    assert () == close({plain: 0.40, other: 0.60})
    assert () == close({})


def test_features_are_read_as_the_kernel_names_them(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor: 0\nmodel name\t: Quick 9000\nflags\t\t: fpu avx2 amx_bf16\n")

    found = processor(listing)

    assert ("Quick 9000", True, ("amx_bf16", "avx2")) == (
        found.name,
        found.has_native_bf16,
        found.noteworthy,
    )


def test_an_arm_processor_lists_features_under_another_word(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor: 0\nFeatures\t: asimd asimddp bf16 i8mm\n")

    assert processor(listing).has_native_bf16


def test_an_artifact_runs_only_as_it_passed() -> None:
    able = candidates(["f32", "int8"], NEW, passed=["f32+f32", "int8+bf16"])

    assert ["f32+f32", "int8+bf16"] == list(map(str, able))


def test_a_precision_that_did_not_pass_is_refused_with_those_that_did() -> None:
    with pytest.raises(NoVariant, match=r"not among those that passed .*: f32\+f32"):
        candidates(["f32", "int8"], NEW, "bf16", passed=["f32+f32"])


def test_half_precision_runs_where_it_passed_or_is_asked_for_alone() -> None:
    able = Processor("Able", frozenset({"avx2", "avx512_fp16"}))

    assert ["f32+f32"] == names(["f32"], able)
    assert ["f32+f16"] == names(["f32"], able, "f16")
    passed = candidates(["f32"], able, passed=["f32+f32", "f32+f16"])
    assert ["f32+f32", "f32+f16"] == list(map(str, passed))


def test_weights_alone_are_a_variant_of_their_own() -> None:
    assert ["int8-weights+f32"] == names(["f32", "int8-weights"], OLD, "int8-weights")


@pytest.mark.parametrize(
    ("feature", "expected"), [("avx2", False), ("avx_vnni", True), ("i8mm", True)]
)
def test_products_of_eight_bits_are_known_by_their_instructions(
    feature: str, expected: bool
) -> None:
    assert expected is Processor("Some", frozenset({feature})).has_int8_products
