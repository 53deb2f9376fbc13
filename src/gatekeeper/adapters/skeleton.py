"""What `gatekeeper init` writes where no example is asked for: enough for a first verdict."""

from __future__ import annotations

from typing import Final

_MANIFEST: Final = """\
# A first release. Point `directory` at a model (Hugging Face files), then:
#   gatekeeper build manifests/first.yaml
#   gatekeeper evaluate manifests/first.yaml
# `gatekeeper schema manifest` prints what may stand here, for your editor.
apiVersion: gatekeeper/v1
kind: ReleaseManifest

metadata:
  name: first
  owner: your-team
  workload: answers

components:
  prompt:
    system: You answer questions, briefly.
    template: "Question: {{ input }}"

  model:
    models:
      main:
        role: generator
        source: {directory: models/main}   # <- your model

  serving:
    engines:
      - {name: embedded}
      - {name: vllm}
    sampling: {temperature: 0.0, max_tokens: 128}

  router:
    routes:
      - {route_to: standard}
    tiers:
      standard: {model: main, timeout_seconds: 20}

  budgets:
    per_request: {input_tokens: 1000, output_tokens: 128, model_calls: 1}

# What `gatekeeper evaluate` asks and decides by. It is no part of the release; after a change of
# these lines, build again.
evaluation:
  policy: gates/first.yaml
  sets: [eval_sets/first.yaml]

# Not here yet, and optional: retrieval, tools, policy, governance.
# `gatekeeper init --example support-desk` in another directory shows all of them.
"""
_POLICY: Final = """\
# What a release has to show before it may be promoted. Each rule is a test: it passes only
# where the samples show it. Four of them show next to nothing; the verdict says how many would.
#   gatekeeper policy check gates/first.yaml --release manifests/first.yaml
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata:
  name: first
  owner: your-team
  effective: 2026-01-01
  # review_by: a day within a year, after which every verdict warns
# A line that is lost makes an error, not a weaker gate.
expect_rules: 3
sections:
  quality:
    resolved_rate_min: 0.8
    # Against what is live, in points, on the same samples.
    resolved_rate_max_decrease: 0.05
  reliability:
    retry_amplification_max: 1.25
"""
_PRICES: Final = """\
# What a million tokens cost, by the names that manifests give their models; 0 where it is nothing.
# Never part of a release: a run records what it was priced by.
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-01-01
models:
  main:
    input_usd_per_million: 0.1
    cached_input_usd_per_million: 0.025
    output_usd_per_million: 0.8
"""
_SET: Final = """\
# What a release is asked, and how answers are scored. `gatekeeper schema evalset` prints what may
# stand here, for your editor.
apiVersion: gatekeeper/v1
kind: EvalSet
name: first
owner: your-team
licence: CC0-1.0
split: held-out
suite: quality
file: eval_sets/first.jsonl
scorers: [contains]
"""
_SAMPLES: Final = """\
{"id": "capital", "input": "What is the capital of France?", "expect": {"contains": ["Paris"]}}
{"id": "sum", "input": "What is 17 + 25?", "expect": {"contains": ["42"]}}
{"id": "days", "input": "How many days does a week have?", "expect": {"contains": ["7"]}}
{"id": "water", "input": "What is the chemical formula of water?", "expect": {"contains": ["H2O"]}}
"""
SKELETON: Final = {
    "manifests/first.yaml": _MANIFEST,
    "gates/first.yaml": _POLICY,
    "gates/prices.yaml": _PRICES,
    "eval_sets/first.yaml": _SET,
    "eval_sets/first.jsonl": _SAMPLES,
}
"""The text of each file, by its path from the root of the project."""
