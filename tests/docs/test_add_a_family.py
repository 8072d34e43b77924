"""The guide to a new family shows code that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "add-a-family.md").read_text("utf-8")


def test_the_code_of_the_guide_is_that_of_mpnet():
    code = (ROOT / "src" / "goldcrest" / "models" / "mpnet.py").read_text("utf-8")

    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)

    assert 4 == len(blocks)
    assert [] == [block for block in blocks if block not in code]


def test_the_files_that_the_guide_names_are_there():
    models = ROOT / "src" / "goldcrest" / "models"
    places = (ROOT, models, models.parent)

    names = re.findall(r"`([\w/]+\.py)`", GUIDE)

    assert [] == [name for name in names if not any((place / name).is_file() for place in places)]
