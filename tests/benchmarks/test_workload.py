import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.workload import (
    MOST_WORDS,
    Size,
    Texts,
    find_vocabulary,
    vocabulary_words,
    write_script,
)

WORDS = [f"word{n}" for n in range(50)]
SIZE = Size(clients=(1, 4), requests=20, seconds=0.01, warm_up=10, checked=5)


def test_no_text_comes_twice_even_from_few_words() -> None:
    drawn = Texts(["some", "such"], seed=0).take(200)

    assert 200 == len(set(drawn))


def test_the_same_seed_gives_the_same_texts() -> None:
    assert Texts(WORDS, seed=3).take(20) == Texts(WORDS, seed=3).take(20)
    assert Texts(WORDS, seed=3).take(20) != Texts(WORDS, seed=4).take(20)


def test_lengths_are_log_normal_and_bounded() -> None:
    lengths = [len(text.split()) for text in Texts(WORDS, seed=0).take(4000)]

    assert 2 <= min(lengths) <= max(lengths) <= MOST_WORDS
    assert 18 <= np.median(lengths) <= 22


def test_all_texts_of_all_repeats_differ() -> None:
    texts = Texts(WORDS, seed=0)
    scripts = [write_script(texts, SIZE) for _ in range(2)]

    everything = [
        text
        for script in scripts
        for part in (script.priming, script.probes, script.warm_up, *script.levels.values())
        for text in part
    ]

    assert len(everything) == len(set(everything))


def test_checked_texts_are_at_the_kept_indices() -> None:
    script = write_script(Texts(WORDS, seed=0), SIZE)

    assert [t[i] for t in script.levels.values() for i in SIZE.keep] == script.checked(SIZE)
    assert 10 == len(script.checked(SIZE))


@pytest.mark.parametrize(("requests", "clients", "expected"), [(600, 1, 600), (60, 128, 1024)])
def test_every_client_sends_several_requests(requests: int, clients: int, expected: int) -> None:
    assert expected == Size(requests=requests).at_least(clients)


def test_words_come_from_either_form_of_a_vocabulary(tmp_path: Path) -> None:
    entries = ["[PAD]", "##ing", "cat", "house", "café", "mountain"]
    (tmp_path / "vocab.txt").write_text("\n".join(entries))
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))

    assert ["house", "mountain"] == vocabulary_words(tmp_path / "vocab.txt")
    assert ["house", "mountain"] == vocabulary_words(tmp_path / "tokenizer.json")


def test_a_missing_vocabulary_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--vocab"):
        find_vocabulary(None, tmp_path)
