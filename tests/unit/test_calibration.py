"""What INT8 is calibrated on: texts as each readout sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.compile.calibration import default_texts, encodings_for, packed_grids
from goldcrest.errors import QuantizeFailed
from goldcrest.testing import random_checkpoint, tiny_artifact
from goldcrest.text.tokenizer import Tokenizer

MASK = "[MASK]"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder: Path = tmp_path_factory.mktemp("calibration") / "artifact"
    artifact = tiny_artifact(folder, family="bert", task="fill")
    return Tokenizer.load(artifact.tokenizer, max_length=128, has_token_types=True)


def test_one_token_in_seven_is_a_mask_and_is_picked(tokenizer: Tokenizer) -> None:
    encodings = encodings_for("fill", tokenizer, default_texts()[:50], mask=MASK)

    (mask_id,) = tokenizer.ids(MASK)
    picked = [encoding.ids[encoding.picks].tolist() for encoding in encodings]
    assert all(set(ids) == {mask_id} for ids in picked)
    n_tokens = sum(encoding.n_tokens for encoding in encodings)
    assert 1 / 7 == pytest.approx(sum(map(len, picked)) / n_tokens, rel=0.1)


def test_a_text_of_any_length_has_a_mask(tokenizer: Tokenizer) -> None:
    texts = [letters for n in range(1, 12) if (letters := " ".join("abcdefghijkl"[:n]))]

    encodings = encodings_for("fill", tokenizer, texts, mask=MASK)

    assert all(len(encoding.picks) for encoding in encodings if encoding.picks is not None)
    assert packed_grids(encodings)[0].pick_counts.all()


def test_spans_are_looked_for_in_pairs(tokenizer: Tokenizer) -> None:
    encodings = encodings_for("span", tokenizer, ["one", "two", "", "three"])

    assert [{0, 1}, {0, 1}] == [
        set(encoding.token_types.tolist())
        for encoding in encodings
        if encoding.token_types is not None
    ]


def test_no_texts_at_all_are_not_replaced_by_those_that_ship(tmp_path: Path) -> None:
    checkpoint = read(random_checkpoint(tmp_path / "checkpoint"))

    with pytest.raises(QuantizeFailed, match="at least one text"):
        build_artifact(checkpoint, tmp_path / "new", variants=("int8",), calibration=())
