"""Notes of what was measured: kept, keyed, and never in the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from goldcrest.model.notebook import Notebook, Notes


def test_choices_and_costs_are_read_back(tmp_path: Path) -> None:
    Notebook(tmp_path, ("a",)).choose("auto", "int8+bf16")
    Notebook(tmp_path, ("a",)).price("int8+bf16", {"1x16": 0.002})

    assert Notes({"auto": "int8+bf16"}, {"int8+bf16": {"1x16": 0.002}}) == (
        Notebook(tmp_path, ("a",)).read()
    )


def test_notes_that_are_written_at_once_are_all_kept(tmp_path: Path) -> None:
    candidates = [f"candidate {number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: Notebook(tmp_path, ("a",)).weigh(one, 1), candidates))

    assert sorted(candidates) == sorted(Notebook(tmp_path, ("a",)).read().sizes)


def test_another_machine_has_notes_of_its_own(tmp_path: Path) -> None:
    Notebook(tmp_path, ("artifact", "this processor")).choose("auto", "f32+f32")

    assert Notes() == Notebook(tmp_path, ("artifact", "another processor")).read()


def test_a_torn_file_is_measured_anew(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path, ("a",))
    notebook.choose("auto", "f32+f32")
    next((tmp_path / "measured").glob("*.json")).write_text('{"choices": {"au')

    assert Notes() == notebook.read()


def test_a_cache_folder_that_cannot_be_written_is_made_up_for_by_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    notebook = Notebook(tmp_path / "file", ("a",))

    notebook.choose("auto", "f32+f32")
    notebook.weigh("f32+f32", 10)

    assert Notes({"auto": "f32+f32"}, sizes={"f32+f32": 10}) == notebook.read()
