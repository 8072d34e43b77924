"""Opens pickled weights and writes them as safetensors; the only module that opens a pickle.

Run as ``python -m goldcrest.convert.worker TARGET PICKLE...``; what goes wrong is one line on
stderr.
"""

from __future__ import annotations

import pickle  # only the name of its error: nothing is opened with it
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    """Convert, and return the exit status."""
    target, *pickles = map(Path, arguments)
    try:
        tensors = {name: tensor for file in pickles for name, tensor in _opened(file).items()}
        _save(tensors, target)
    except ImportError:
        return _fail("it needs PyTorch: pip install 'goldcrest[torch]'")
    except pickle.UnpicklingError:
        return _fail("the pickle holds more than tensors, which could run code; refused")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        return _fail(str(error))
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(reason.replace("\n", " ") + "\n")
    return 1


def _opened(file: Path) -> dict[str, Any]:
    import torch

    content = torch.load(file, map_location="cpu", weights_only=True)
    inner = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise TypeError(f"{file.name} holds no table of tensors")
    return {name: tensor for name, tensor in inner.items() if isinstance(tensor, torch.Tensor)}


def _save(tensors: dict[str, Any], target: Path) -> None:
    """Write copies: tied tensors share memory, which safetensors does not store twice."""
    if not tensors:
        raise ValueError("there are no tensors in it")
    from safetensors.torch import save_file

    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
