"""JSON that is written in pieces is the JSON that is written at once."""

import json
import threading

import numpy as np
import pytest

from goldcrest.serving.apart import LONG, apart
from goldcrest.web.rows import flat, text_of, written


@pytest.mark.parametrize(
    "shape", [(0, 4), (3, 4), (1, LONG + 1), (LONG, 3), (7, LONG // 2)], ids=str
)
def test_a_matrix_of_any_size_is_a_list_of_its_rows(shape):
    matrix = np.random.default_rng(1).normal(size=shape).astype(np.float32)

    found = np.array(json.loads(text_of(matrix)), np.float32).reshape(shape)

    assert np.array_equal(matrix, found)


@pytest.mark.parametrize("shape", [(0,), (3, 4), (LONG, 2), (2 * LONG + 1,)], ids=str)
def test_an_array_of_any_size_is_one_list_of_its_numbers(shape):
    array = np.arange(np.prod(shape)).reshape(shape)

    assert array.ravel().tolist() == json.loads(bytes(flat(array)))


@pytest.mark.parametrize("n", [0, 1, 16, 17, 100])
def test_a_list_of_any_length_is_written_whole(n):
    values = [{"score": np.float32(0.5), "place": place} for place in range(n)]

    assert [{"score": 0.5, "place": place} for place in range(n)] == json.loads(
        bytes(written(values))
    )


@pytest.mark.parametrize(("size", "is_apart"), [(LONG - 1, False), (LONG, True)])
async def test_only_long_work_leaves_the_event_loop(size, is_apart):
    where = await apart(threading.get_ident, size=size)

    assert is_apart is (where != threading.get_ident())
