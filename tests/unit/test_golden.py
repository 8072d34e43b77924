"""Every family and readout against outputs of transformers that are kept: needs no torch."""

from __future__ import annotations

import numpy as np
import pytest
from tests.golden import outputs
from tests.graphs import READOUTS, compiled, opened

from goldcrest.models.resolve import FAMILIES
from goldcrest.testing.grid import scattered


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", READOUTS)
def test_packed_texts_give_the_outputs_that_transformers_gave(tmp_path, family, task):
    golden = outputs.read(family)[task]
    mass = outputs.build(tmp_path, family, task)
    grid = scattered(golden.encodings, np.random.default_rng(5))

    real = outputs.sample(compiled(*opened(tmp_path, task))(grid))

    assert golden.mass == pytest.approx(mass), "other weights; see tests/golden/outputs.py"
    np.testing.assert_allclose(real, golden.kept, rtol=1e-4, atol=1e-4 * golden.kept.std())
