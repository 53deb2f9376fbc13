"""Checkpoint to ``models/support-desk``: Hugging Face files, and their conversion in ``ct2``.

    python models/training/export.py

The new directory is made beside the old one and takes its place by renames; the card stays.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import ctranslate2
import tokenizer as vocabulary
import torch
from safetensors.torch import save_file
from train import CHECKPOINT, RUN

import model as network

TARGET = Path(__file__).resolve().parents[1] / "support-desk"
CARD = "README.md"


def write_json(path: Path, content: dict[str, object]) -> None:
    """Indented JSON with a final newline."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_tokenizer(folder: Path) -> None:
    """The fast tokenizer with its chat template."""
    vocabulary.build().save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>"}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **names,
        "model_max_length": 512,
        "clean_up_tokenization_spaces": False,
        "add_bos_token": False,
        "chat_template": vocabulary.CHAT_TEMPLATE,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", names)


def write_model(folder: Path, checkpoint: dict[str, object]) -> None:
    """Weights in float32, configuration and greedy generation settings."""
    tensors = checkpoint["weights"].items()
    weights = {f"model.{name}": tensor.float().contiguous() for name, tensor in tensors}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    special = {"bos": vocabulary.BOS, "eos": vocabulary.END, "pad": vocabulary.PAD}
    write_json(folder / "config.json", network.Shape(**checkpoint["shape"]).config(**special))
    ids = {f"{name}_token_id": number for name, number in special.items()}
    greedy = {"do_sample": False, "max_new_tokens": 160}
    write_json(folder / "generation_config.json", {**ids, **greedy})


def export(checkpoint: Path, target: Path = TARGET) -> None:
    """Write all files of the shipped model."""
    state = torch.load(checkpoint)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as scratch:
        made, old = Path(scratch) / "new", Path(scratch) / "old"
        made.mkdir()
        made.chmod(0o755)
        write_tokenizer(made)
        write_model(made, state)
        ctranslate2.converters.TransformersConverter(str(made)).convert(str(made / "ct2"))
        if (target / CARD).exists():
            shutil.copy2(target / CARD, made / CARD)
        if target.exists():
            target.rename(old)
        made.rename(target)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=RUN / CHECKPOINT)
    parser.add_argument("--target", type=Path, default=TARGET)
    chosen = parser.parse_args()
    export(chosen.checkpoint, chosen.target)


if __name__ == "__main__":
    main()
