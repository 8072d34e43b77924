"""``goldcrest lengths`` on a file: whose tokens are counted, and what is printed and written."""

from __future__ import annotations

import json
import sys

import pytest

from goldcrest.app.site import usable
from goldcrest.app.source import builtins
from goldcrest.artifact import open_artifact
from goldcrest.cli.main import main
from goldcrest.config import DEFAULT_MODEL, load
from goldcrest.engine.openvino import RUNTIME
from goldcrest.engine.processor import processor
from goldcrest.model.site import notebook_at
from goldcrest.packing.ladder import ladder


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command: its status, and what it prints."""

    def lengths(*arguments):
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(tmp_path / "cache"))
        monkeypatch.setattr(sys, "argv", ["goldcrest", "lengths", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return lengths


@pytest.fixture
def texts(tmp_path):
    """Nineteen texts of five tokens, and one of a hundred words."""
    file = tmp_path / "texts.txt"
    file.write_text("a good film\n" * 19 + "film " * 100)
    return str(file)


def test_the_built_in_model_counts_where_none_is_named(run, texts):
    _, out, _ = run(texts, "--json")

    (found,) = json.loads(out)["models"]
    assert (DEFAULT_MODEL, 20, 19 * 5 + 102) == (
        found["model"],
        found["n_texts"],
        found["n_tokens"],
    )
    assert "" == found["precision"]


def test_the_share_to_keep_decides(run, texts):
    most = json.loads(run(texts, "--json", "--keep", "0.95")[1])
    all_ = json.loads(run(texts, "--json", "--keep", "1")[1])

    assert [16, 128] == [told["models"][0]["advice"]["max_length"] for told in (most, all_)]


def test_pairs_count_as_one_item(run, tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("question,text\ngood,bad film\n")

    _, out, _ = run(str(file), "--text", "question", "--second", "text", "--json")

    assert 6 == json.loads(out)["models"][0]["n_tokens"]


def test_an_embedder_reads_the_texts_of_a_pair_apart(run, tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("text,text_pair\ngood,bad film\n")

    _, out, _ = run(str(file), "--model", "embedder", "--json")

    (found,) = json.loads(out)["models"]
    assert (2, 3 + 4) == (found["n_texts"], found["n_tokens"])


def test_a_precision_that_cannot_run_is_told(run, texts):
    status, _, err = run(texts, "--precision", "f32")

    assert 1 == status
    assert "precision 'f32' cannot run" in err


def test_what_was_measured_here_predicts_seconds(run, texts, tmp_path):
    costs = {str(shape): 0.001 + shape.n_slots * 1e-5 for shape in ladder(512)}
    notebook = notebook_at(
        tmp_path / "cache",
        open_artifact(builtins()[DEFAULT_MODEL]),
        processor=usable(processor()),
        runtime=RUNTIME,
        n_threads=load({}, environ={}).config.engine.threads,
    )
    notebook.choose("auto", "int8+f32")
    notebook.price("int8+f32", costs)

    _, out, err = run(texts)

    assert "s per 1,000" in out, err
    assert "tokens only" not in out


def test_the_setting_is_printed_and_a_page_written(run, texts, tmp_path):
    status, out, err = run(texts, "--keep", "0.9", "--out", str(tmp_path / "a.html"))

    assert 0 == status, err
    assert '[[models]]\nsource = "sentiment"\nmax_length = 16\n' in out
    assert "16 is the smallest limit" in (tmp_path / "a.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "give a FILE with texts, or --from-server with a URL; not both"),
        (("a", "--from-server", "b"), 2, "not both"),
        (("none.txt",), 1, "none.txt cannot be read"),
        (("--from-server", "http://127.0.0.1:1"), 2, "http://127.0.0.1:1 cannot be reached"),
        (("--from-server", "x", "--key-env", "NO_SUCH"), 2, "NO_SUCH: that variable is not set"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(run, arguments, status, said):
    ended, _, err = run(*arguments)

    assert status == ended
    assert said in err
