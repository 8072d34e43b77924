"""Pickled weights: converted tensor by tensor, or refused, but never run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from goldcrest.checkpoint import read
from goldcrest.convert import convert
from goldcrest.errors import CheckpointError, PickledWeights
from goldcrest.testing import random_checkpoint

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.parity


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return random_checkpoint(tmp_path / "plain")


@pytest.fixture
def pickled(plain: Path, tmp_path: Path) -> Path:
    tensors = {name: torch.tensor(array) for name, array in read(plain).tensors.items()}
    folder = tmp_path / "pickled"
    folder.mkdir()
    for file in plain.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder


def test_a_pickled_checkpoint_is_refused_with_the_command_that_converts_it(pickled: Path) -> None:
    with pytest.raises(PickledWeights, match=f"goldcrest convert {pickled}"):
        read(pickled, str(pickled))


def test_every_tensor_comes_through(plain: Path, pickled: Path, tmp_path: Path) -> None:
    converted = read(convert(str(pickled), tmp_path / "converted"))

    expected = read(plain)
    assert set(expected.tensors) == set(converted.tensors)
    for name, array in expected.tensors.items():
        assert np.array_equal(array, converted.tensors[name])
    assert expected.config == converted.config


class Trap:
    """Leaves a mark where it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_with_code_in_it_is_refused_and_not_run(pickled: Path, tmp_path: Path) -> None:
    torch.save(
        {"weight": torch.ones(2), "trap": Trap(tmp_path / "sprung")}, pickled / "pytorch_model.bin"
    )

    with pytest.raises(CheckpointError, match="could run code; refused"):
        convert(str(pickled), tmp_path / "converted")

    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_is_not_empty_is_left_alone(pickled: Path, plain: Path) -> None:
    with pytest.raises(CheckpointError, match="is not empty"):
        convert(str(pickled), plain)
