"""How the SentencePiece models beside this file were made; needs the package sentencepiece.

``python tests/data/make.py`` writes them anew; the ids in the tests then change with them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sentencepiece

HERE = Path(__file__).resolve().parent
LINES = (
    "The film was very good and I would recommend it to friends.",
    "A slow story about people, places and a lost time.",
    "The service was friendly, the food was great and the price was fair.",
    "Never again: awful, rude and expensive!",
    "naïve café one two three 1,000 3.14",
    "les gens aiment le cinéma et la musique",
    "der Film war sehr gut und die Musik auch",
)
# what a character becomes, in hexadecimal: a table far smaller than NFKC's, but of the same form
RULES = {"FB01": "66 69", "2019": "27", "65 301": "E9", "200B": ""}
RULES |= dict.fromkeys(("9", "A", "D", "A0", "3000"), "20")
LAYOUTS: dict[str, dict[str, Any]] = {
    "albert": {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1}
    | {"control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    "fairseq": {"user_defined_symbols": ["<special>"]},
}


def main() -> None:
    with TemporaryDirectory() as folder:
        os.chdir(folder)  # the name of the rules' file goes into the model
        rules = "".join(f"{key}\t{value}\n" for key, value in RULES.items())
        Path("rules.tsv").write_text(rules, encoding="utf-8")
        for name, layout in LAYOUTS.items():
            written = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(LINES * 3),
                model_writer=written,
                model_type="unigram",
                vocab_size=110,
                hard_vocab_limit=False,
                normalization_rule_tsv="rules.tsv",
                num_threads=1,
                minloglevel=2,
                **layout,
            )
            (HERE / f"{name}.model").write_bytes(written.getvalue())


if __name__ == "__main__":
    main()
