"""A project whose releases are evaluated against a real endpoint over HTTP."""

from __future__ import annotations

import json

from builders import make_project, manifest, write, write_manifest
from gatekeeper.cli.main import run

LOCAL = """\
apiVersion: gatekeeper/v1
kind: Environment
name: local
accepts_development_keys: true
"""
NAMES = ("Zentor", "Velar", "Kaldex", "Mirla", "Norvan", "Polda", "Quinor", "Rastin")
PRICES = """\
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-11-01
models:
  small: {input_usd_per_million: 0.1, cached_input_usd_per_million: 0.01, output_usd_per_million: 1}
"""
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.5}
  cost: {owner: finops, usd_per_resolved_request_max_increase: 0.5}
"""
SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: desk-quality
owner: quality
licence: Apache-2.0
split: held_out
suite: quality
file: eval_sets/quality.jsonl
scorers: [facts, citations]
abstentions: [The documentation does not say]
"""
LOAD = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: desk-load
owner: platform
licence: Apache-2.0
split: held_out
suite: load
file: eval_sets/load.jsonl
load: {rate_per_second: 100}
"""


def make_desk(directory):
    """A project with two releases of a desk, built, and eval sets for them."""
    root = make_project(directory, keys=True)
    documents = "\n".join(
        f"The warranty of the {n} is {i + 2} months." for i, n in enumerate(NAMES)
    )
    write(root / "manifests/desk/docs/all.md", documents + "\n")
    write(root / "manifests/environments/local.yaml", LOCAL)
    write(root / "gates/prices.yaml", PRICES)
    write(root / "gates/desk.yaml", POLICY)
    write(root / "eval_sets/quality.yaml", SET)
    write(root / "eval_sets/quality.jsonl", "\n".join(map(json.dumps, samples())) + "\n")
    write(root / "eval_sets/load.yaml", LOAD)
    loads = [{"id": f"l{i}", "input": f"What is the warranty of the {NAMES[i]}?"} for i in range(8)]
    write(root / "eval_sets/load.jsonl", "\n".join(map(json.dumps, loads)) + "\n")
    content = manifest()
    components = content["components"]
    components["serving"]["engines"] = [{"name": "openai"}]
    components["retrieval"]["chunking"] = {"by": "line", "max_tokens": 100}
    components["policy"]["pii"] = {"kinds": []}
    content["evaluation"] = {
        "sets": ["eval_sets/quality.yaml", "eval_sets/load.yaml"],
        "policy": "gates/desk.yaml",
    }
    write_manifest(root, content)
    write(root / "manifests/desk/system.jinja", "You are the desk of Northwind. Be brief.\n")
    assert run(["build", "manifests/desk-v1.yaml", "--project", str(root)]) == 0
    components["serving"]["sampling"] = {"max_tokens": 32}
    write_manifest(root, content, "desk-v2")
    assert run(["build", "manifests/desk-v2.yaml", "--project", str(root)]) == 0
    return root


def samples():
    return [
        {
            "id": name.lower(),
            "input": f"What is the warranty of the {name}?",
            "expect": {"contains": [f"{number + 2} months"]},
            "follow_up": f"The warranty of the {name}?",
        }
        for number, name in enumerate(NAMES)
    ]


def evaluate(root, capsys, *words):
    """`gatekeeper evaluate` in the project: its exit code and its JSON document."""
    capsys.readouterr()
    code = run(["evaluate", *words, "--project", str(root), "--output", "json"])
    return code, json.loads(capsys.readouterr().out)


def runs(root):
    """Directories of the runs, oldest first."""
    return sorted((root / ".gatekeeper/runs").iterdir())
