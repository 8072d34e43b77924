# mypy: ignore-errors
# Runs in the guide's environment: torch and transformers are not in the project's own.
"""The probabilities that transformers gives in f32, one text at a time: what answers must equal."""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


@torch.no_grad()
def probabilities(folder: str, texts: list[str]) -> list[list[float]]:
    """Answers each text alone, so that no padding and no neighbour can touch its answer."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    answers = []
    for text in texts:
        encoded = tokenizer(text, truncation=True, max_length=512, return_tensors="pt")
        answers.append(torch.softmax(model(**encoded).logits[0], dim=-1).tolist())
    return answers


if __name__ == "__main__":
    model_folder, texts_file, answers_file = sys.argv[1:]
    wanted = json.loads(Path(texts_file).read_text())
    Path(answers_file).write_text(json.dumps(probabilities(model_folder, wanted)))
