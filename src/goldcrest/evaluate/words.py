"""Answers to questions, written so that those that mean the same read the same."""

from __future__ import annotations

import re
import string

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(answer: str) -> str:
    """Lower case, without punctuation, articles and superfluous space, as SQuAD compares answers.

    Source: P. Rajpurkar et al., "SQuAD", 2016 (https://arxiv.org/abs/1606.05250), its script.
    """
    bare = answer.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())
