"""What the shipped report says of a guide's claims, from figures that are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.reports.claims import claims, ratio_verdict, share_verdict
from benchmarks.reports.making import contenders, make, shapes
from benchmarks.reports.writing import headline, write_all
from tests.comparisons import comparison, contender

from goldcrest.compare.contender import PRECISIONS, read_contenders
from goldcrest.compare.result import Comparison


def measured() -> Comparison:
    """All contenders of the report, DistilBERT at half of what BERT-base takes."""
    return comparison(
        contender(
            "bert-base:f32",
            n_parameters=110_000_000,
            resident_bytes=1_000_000_000,
            artifact_bytes=440_000_000,
            p50_ms=20.0,
            texts_per_s=50.0,
            swap_s=90.0,
        ),
        contender("bert-base:int8", texts_per_s=150.0, artifact_bytes=110_000_000),
        contender(
            "distilbert:f32",
            n_parameters=66_000_000,
            resident_bytes=600_000_000,
            p50_ms=10.0,
            texts_per_s=100.0,
        ),
        contender("distilbert:int8", texts_per_s=110.0),
        contender("distilroberta:f32"),
        contender(
            "tinybert-4l:f32", n_parameters=14_000_000, artifact_bytes=50_000_000, swap_s=5.0
        ),
        contender("tinybert-6l:f32", n_parameters=66_000_000),
        contender("albert-base:f32", n_parameters=11_000_000, resident_bytes=990_000_000),
        contender("mobilebert:f32"),
        contender("minilm-l6:f32"),
        contender("minilm-l6:int8", texts_per_s=500.0),
    )


def verdicts(seen: Comparison) -> dict[str, str]:
    return {claim.about: claim.verdict for claim in claims(seen)}


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.38, "It takes 38 % less time here, as claimed."),
        (0.3, "It takes 30 % less time here, less than the 40 % claimed."),
        (0.5, "It takes 50 % less time here, more than the 40 % claimed."),
        (-0.1, "It takes no less time here, but 10 % more."),
    ],
)
def test_a_share_is_held_against_the_one_that_is_claimed(share: float, said: str) -> None:
    assert said == share_verdict("time", share, 0.4)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.1, "It runs 1.1 times as fast, less than the 2 to 4 times claimed."),
        (2.0, "It runs 2 times as fast, as claimed."),
        (5.5, "It runs 5.5 times as fast, more than the 2 to 4 times claimed."),
    ],
)
def test_a_ratio_is_held_against_those_that_are_claimed(ratio: float, said: str) -> None:
    assert said == ratio_verdict("It runs {} as fast", ratio, 2, 4)


def test_distilbert_is_judged_by_parameters_memory_time_and_speed() -> None:
    said = verdicts(measured())

    assert (
        "has 40 % less of them here, as claimed"
        in said["DistilBERT's parameters, against BERT-base"]
    )
    assert "40 % less memory here, as claimed" in said["DistilBERT's memory, against BERT-base"]
    assert (
        "50 % less time here, less than the 60 %"
        in (said["DistilBERT's time for a text, against BERT-base"])
    )
    assert (
        "answers 2 times as many texts here, more than the 1.6"
        in said["DistilBERT's speed, against BERT-base"]
    )


def test_int8_is_judged_for_each_model_by_itself() -> None:
    said = verdicts(measured())

    assert (
        "answers 3 times as many texts here, as claimed" in said["INT8 of bert-base, against f32"]
    )
    assert (
        "1.1 times as many texts here, less than the 2 to 4"
        in said["INT8 of distilbert, against f32"]
    )
    assert (
        "5 times as many texts here, more than the 2 to 4" in said["INT8 of minilm-l6, against f32"]
    )


def test_sharing_parameters_is_not_said_to_save_memory_that_it_does_not_save() -> None:
    said = verdicts(measured())["ALBERT's shared parameters, against BERT-base"]

    assert "90 % fewer parameters come to 1 % less memory: hardly lower memory" in said


def test_a_claim_on_a_model_that_was_not_measured_is_left_out() -> None:
    seen = comparison(contender("bert-base:f32"), contender("mobilebert:f32"))

    assert ["MobileBERT, against BERT-base"] == [claim.about for claim in claims(seen)]


def test_the_headline_is_the_first_claim() -> None:
    assert (
        "DistilBERT has 40 % fewer parameters than BERT-base, takes 40 % less memory, and answers 2 "
        "times as many texts."
    ) == headline(measured())


def test_page_and_markdown_name_every_contender_and_the_processor(tmp_path: Path) -> None:
    page, _, readme = write_all(measured(), tmp_path)

    names = contenders()
    for text in (page.read_text("utf-8"), readme.read_text("utf-8")):
        assert [] == [name for name in names if name not in text]
        assert "avx2" in text
        assert "random weights" in text
    assert not re.search(r"<script|@import|url\(", page.read_text("utf-8"))


def test_every_contender_of_the_report_is_a_model_in_a_precision() -> None:
    found = read_contenders(contenders())

    assert set(shapes()) == {one.model for one in found}
    assert all(one.precision in PRECISIONS and one.precision != "auto" for one in found)


def test_a_shape_is_of_the_size_that_its_makers_published(tmp_path: Path) -> None:
    """TinyBERT's authors count 14.5 million parameters (https://arxiv.org/abs/1909.10351)."""
    from safetensors.numpy import load_file

    folder = make(tmp_path, "tinybert-4l")

    n = sum(tensor.size for tensor in load_file(folder / "model.safetensors").values())
    assert n == pytest.approx(14.5e6, rel=0.02)
