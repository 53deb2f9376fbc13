"""Shared builders: a small project on disk, made the same way every time."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CHAT_TEMPLATE = (
    "<s>{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIALS = ("<pad>", "<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
SYSTEM = "You are the support desk of Northwind. Answer briefly.\n"
TEMPLATE = "Context:\n{{ context }}\nQuestion: {{ input }}"
ANSWER_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "source": {"type": "integer"}},
    "required": ["answer", "source"],
}
DOCUMENTS = {
    "zentor.md": "The warranty of the Zentor Prime is 24 months.\n\nIt weighs 3 kg.\n",
    "velar.md": "The warranty of the Velar Duo is 12 months.\n",
    "tenants/acme/contract.md": "Acme pays 90 days net.\n",
}
MANIFEST: dict[str, Any] = {
    "apiVersion": "gatekeeper/v1",
    "kind": "ReleaseManifest",
    "metadata": {
        "name": "desk",
        "version": "1",
        "owner": "support-platform",
        "workload": "support_answers",
        "teams": {"prompt": "support-content", "model": "ml-platform"},
        "labels": {"purpose": "test"},
    },
    "components": {
        "prompt": {
            "system": {"file": "manifests/desk/system.jinja"},
            "template": {"file": "manifests/desk/template.jinja"},
            "output_schema": {"file": "manifests/desk/answer.json"},
        },
        "model": {
            "models": {"small": {"source": {"directory": "models/tiny"}}},
        },
        "serving": {
            "engines": [{"name": "embedded"}],
            "sampling": {"max_tokens": 64},
        },
        "retrieval": {
            "snapshot": {"directory": "manifests/desk/docs"},
            "chunking": {"by": "paragraph", "max_tokens": 100},
            "top_k": 3,
        },
        "router": {
            "routes": [
                {"match": {"task_class": "lookup"}, "route_to": "search"},
                {"route_to": "standard"},
            ],
            "tiers": {
                "search": {"kind": "search", "fallback": "standard"},
                "standard": {"model": "small", "timeout_seconds": 10},
            },
        },
        "tools": {
            "allow": {
                "open_ticket": {
                    "description": "Open a ticket.",
                    "parameters": {
                        "type": "object",
                        "properties": {"item": {"type": "string"}},
                        "required": ["item"],
                    },
                },
            },
        },
        "policy": {
            "injection": [{"name": "ignore_rules", "patterns": ["(?i)ignore (all|the) rules"]}],
            "pii": {"kinds": ["email"]},
            "tenants": {"required": False},
        },
        "budgets": {
            "per_request": {"input_tokens": 1500, "output_tokens": 64, "model_calls": 2},
            "per_day": {"usd": 5},
            "actions": {"on_budget_breach": ["reduce_context"]},
        },
    },
}


def make_project(directory: Path, *, keys: bool = False) -> Path:
    """A project in `directory`/project with `manifests/desk-v1.yaml`; its root is returned.

    The model directory holds a real byte-level tokenizer and weights that are noise: enough to
    build, not to generate. `keys` makes development keys too.
    """
    root = directory / "project"
    if keys:
        make_state(root)
    else:
        (root / ".gatekeeper").mkdir(parents=True)
    write(root / "manifests/desk/system.jinja", SYSTEM)
    write(root / "manifests/desk/template.jinja", TEMPLATE)
    write(root / "manifests/desk/answer.json", json.dumps(ANSWER_SCHEMA, indent=2))
    for name, text in DOCUMENTS.items():
        write(root / "manifests/desk/docs" / name, text)
    make_model(root / "models/tiny")
    write_manifest(root, manifest())
    return root


def manifest() -> dict[str, Any]:
    """A copy of the manifest's content, to change and write back."""
    return copy.deepcopy(MANIFEST)


def write_manifest(root: Path, content: dict[str, Any], name: str = "desk-v1") -> Path:
    """Write `content` as `manifests/NAME.yaml`, keys in their order."""
    from ruamel.yaml import YAML

    path = root / "manifests" / f"{name}.yaml"
    yaml = YAML()
    yaml.width = 100
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    return path


def make_model(directory: Path, *, seed: int = 1, size: int = 4096) -> None:
    """A model directory in Hugging Face's layout; one token a byte."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "max_position_embeddings": 2048,
        "vocab_size": 256 + len(SPECIALS),
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "<|end|>",
        "pad_token": "<pad>",
        "chat_template": CHAT_TEMPLATE,
    }
    write(directory / "config.json", json.dumps(config))
    write(directory / "tokenizer_config.json", json.dumps(settings))
    write(directory / "tokenizer.json", tokenizer_json())
    write(directory / "README.md", "A model card is not part of a model.\n")
    (directory / "model.safetensors").write_bytes(random.Random(seed).randbytes(size))  # noqa: S311


def tokenizer_json() -> str:
    """A byte-level tokenizer without merges, as `tokenizers` writes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*SPECIALS, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIALS))
    return str(tokenizer.to_str())


def make_state(root: Path) -> None:
    """Keys, keyring and empty ledgers, as `gatekeeper init` makes them."""
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.state import make_state as scaffold

    root.mkdir(parents=True, exist_ok=True)
    scaffold(Project(root.resolve()))


def write(path: Path, text: str) -> Path:
    """Write a text file and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
