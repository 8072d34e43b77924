"""What has the form of RoBERTa under names of its own.

XLM-RoBERTa (https://arxiv.org/abs/1911.02116) reads a hundred languages, and so do multilingual E5
and BGE; CamemBERT (https://arxiv.org/abs/1911.03894) reads French.
"""

from __future__ import annotations

from dataclasses import replace

from goldcrest.models.roberta import ROBERTA, read_roberta_spec

XLM_ROBERTA = replace(ROBERTA, model_type="xlm-roberta", read_spec=read_roberta_spec)
CAMEMBERT = replace(XLM_ROBERTA, model_type="camembert")
