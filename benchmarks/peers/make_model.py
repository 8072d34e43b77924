# mypy: ignore-errors
# Runs in the guide's environment: torch and transformers are not in the project's own.
"""Writes a checkpoint of DistilBERT's size with random weights and answers worth comparing."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer, Tokenizer
from transformers import DistilBertConfig, DistilBertForSequenceClassification

N_LABELS = 4
VALUE_SCALE = 3.0
LOGIT_SPREAD = 1.5
MAX_TOKENS = 512
N_SCALED = 128


def main() -> None:
    """Reads the command line and writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vocabulary", type=Path, help="vocab.txt or tokenizer.json")
    parser.add_argument(
        "texts", type=Path, help="texts, one a line, that set the scale of the logits"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(arguments.vocabulary, arguments.folder)
    model = random_model(tokenizer.get_vocab_size(), arguments.seed)
    spread_logits(model, tokenizer, arguments.texts.read_text().splitlines()[:N_SCALED])
    model.save_pretrained(arguments.folder)


def write_tokenizer(vocabulary: Path, folder: Path) -> Tokenizer:
    """Writes the tokenizer in the forms that the peers read, and returns it."""
    if vocabulary.suffix == ".json":
        shutil.copyfile(vocabulary, folder / "tokenizer.json")
    else:
        BertWordPieceTokenizer(str(vocabulary), lowercase=True).save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    entries = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word, _ in entries))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(), indent=2))
    return tokenizer


def tokenizer_config() -> dict:
    """The tokenizer's settings for transformers.

    DistilBERT takes no token types, and a server that passes its tokenizer's whole output on to
    the model fails when there are any: hence the explicit input names.
    """
    return {
        "tokenizer_class": "DistilBertTokenizer",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": MAX_TOKENS,
        "do_lower_case": True,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }


@torch.no_grad()
def random_model(n_entries: int, seed: int) -> DistilBertForSequenceClassification:
    """A model whose answers depend on the text much more than on rounding.

    At the usual initial scale attention adds little to the residual stream, so the first state
    hardly depends on the text, and to spread the logits is to spread rounding errors as well. With
    attention's values and outputs larger, INT8 stays within a few hundredths of f32.
    """
    torch.manual_seed(seed)
    config = DistilBertConfig(vocab_size=n_entries, num_labels=N_LABELS)
    model = DistilBertForSequenceClassification(config).eval()
    for layer in model.distilbert.transformer.layer:
        layer.attention.v_lin.weight.mul_(VALUE_SCALE)
        layer.attention.out_lin.weight.mul_(VALUE_SCALE)
    return model


@torch.no_grad()
def spread_logits(
    model: DistilBertForSequenceClassification, tokenizer: Tokenizer, texts: list[str]
) -> None:
    """Scales the classifier so that probabilities differ clearly from text to text."""
    logits = torch.cat([model(torch.tensor([tokenizer.encode(t).ids])).logits for t in texts])
    scale = LOGIT_SPREAD / logits.std(dim=0)
    model.classifier.weight.mul_(scale[:, None])
    model.classifier.bias.copy_((model.classifier.bias - logits.mean(dim=0)) * scale)


if __name__ == "__main__":
    main()
