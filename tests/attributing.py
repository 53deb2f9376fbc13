"""A small support desk with the bundled model, and releases that differ in a component or two."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

from gatekeeper.cli import boundary
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: small, owner: quality, effective: 2026-01-01}
sections:
  quality: {owner: product, resolved_rate_max_decrease: 0.2}
  reliability: {owner: platform, success_rate_min: 0.5}
"""
LATENCY = "  speed: {owner: platform, p95_latency_max_increase: 0.000001}\n"
WITH_CONTEXT, WITHOUT = "prompts/question.jinja", "prompts/bare.jinja"
OTHER_ROUTE = (
    "{task_class: retrieval_fresh}, route_to: mid_tier_rag_model}",
    "{task_class: retrieval_fresh}, route_to: high_capability_model}",
)
SAMPLES = {"quality": 24, "load": 6}


def make_desk(directory: Path) -> Path:
    """A project, built: v1, and releases in which the prompt, the router or both are others.

    The other prompt forgets to show the model what was found; the other router does no harm.
    """
    root = directory / "desk"
    told(["init", str(root), "--example", "support-desk"])
    (root / "manifests/support-desk" / WITHOUT).write_text("Question: {{ input }}\n")
    for suite, count in SAMPLES.items():
        file = root / f"eval_sets/{suite}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [line for line in lines if '"retrieval_fresh"' in line or suite == "load"]
        file.write_text("".join(lines[:: len(lines) // count][:count]), encoding="utf-8")
    load = root / "eval_sets/load.yaml"
    load.write_text(load.read_text().replace("rate_per_second: 40", "rate_per_second: 100"))
    (root / "gates/small.yaml").write_text(POLICY)
    (root / "gates/timed.yaml").write_text(POLICY + LATENCY)
    v1 = (root / "manifests/support-desk-v1.yaml").read_text()
    for suite in ("structured", "safety", "benign"):
        v1 = v1.replace(f"    - eval_sets/{suite}.yaml\n", "")
    v1 = v1.replace("gates/support-desk.yaml", "gates/small.yaml")
    release(root, "v1", v1)
    release(root, "prompt", v1, (WITH_CONTEXT, WITHOUT))
    release(root, "router", v1, OTHER_ROUTE)
    release(root, "both", v1, (WITH_CONTEXT, WITHOUT), OTHER_ROUTE)
    return root


def release(root: Path, name: str, text: str, *changes: tuple[str, str]) -> str:
    """Write a manifest with some words replaced, and build it; its digest."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (root / f"manifests/{name}.yaml").write_text(text)
    words = ["build", f"manifests/{name}.yaml", "--project", str(root), "-o", "json"]
    digest: str = json.loads(told(words))["digest"]
    return digest


def manifest(root: Path, name: str) -> str:
    """What was built."""
    return (root / f"manifests/{name}.yaml").read_text()


def told(words: list[str], code: int = 0) -> str:
    """What a command prints on stdout, once it leaves with the code that is expected."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        found = boundary.guarded(lambda: run(words), words)
    assert found == code, f"{' '.join(words)}: {found}\n{out.getvalue()}\n{err.getvalue()}"
    return out.getvalue() if code in {0, 1} else err.getvalue() + out.getvalue()


def evaluated(root: Path, name: str, *words: str, code: int = 0) -> str:
    """Evaluate a release against v1; the id of the run."""
    against = () if "--baseline" in words else ("--baseline", "manifests/v1.yaml")
    document = told(
        [
            "evaluate",
            f"manifests/{name}.yaml",
            *against,
            *words,
            "--project",
            str(root),
            "-o",
            "json",
        ],
        code,
    )
    found: str = json.loads(document[document.index("{\n") :])["run"]
    return found


def attributed(root: Path, run: str, *words: str) -> Any:
    """`gatekeeper attribute` as programs read it."""
    return json.loads(told(["attribute", run, *words, "--project", str(root), "-o", "json"]))


def content(root: Path) -> dict[str, bytes]:
    """Every file of a project but what can be lost without loss."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "cache" not in path.parts and path.name != ".lock"
    }
