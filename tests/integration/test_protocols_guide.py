"""The examples of the guide to protocols, run against a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub import close_session
from tests.running import Server

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "protocols.md"
SECTIONS = ("OpenAI", "Text Embeddings Inference", "Cohere and Jina", "Hugging Face")


def _examples(title: str) -> list[str]:
    section = GUIDE.read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


@pytest.mark.filterwarnings("ignore:unclosed")  # an example leaves its connections to the end
@pytest.mark.parametrize("title", SECTIONS)
def test_the_examples_of_a_section_run(everything: Server, title: str) -> None:
    for example in _examples(title):
        exec(example.replace("http://localhost:8000", everything.url), {})  # noqa: S102  # ours
    close_session()
