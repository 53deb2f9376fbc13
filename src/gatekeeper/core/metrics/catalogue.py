"""Every word that a policy may use for something to be shown."""

from __future__ import annotations

from typing import Final

from gatekeeper.core.metrics.cost import COST
from gatekeeper.core.metrics.quality import QUALITY
from gatekeeper.core.metrics.reliability import RELIABILITY
from gatekeeper.core.metrics.security import SECURITY

METRICS: Final = {metric.name: metric for metric in (*QUALITY, *SECURITY, *COST, *RELIABILITY)}

ALIASES: Final = {"regression_vs_current": ("resolved_rate", "max_decrease")}
"""Words of policies for a relative rule on a metric: what it reads and what its limit bounds."""

COMPOSITES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "offline_eval_pass": ("quality", ("quality",)),
    "safety_eval_pass": ("safety", ("security", "safety")),
}
"""Rules about rules: their section, and the sections whose rules must all pass."""

SEEN: Final = "eval_set_contamination"
EVIDENCE: Final = {
    SEEN: "eval samples that the release has seen",
    "sbom_attached": "an SBOM of the release",
    "provenance_attestation_present": "a provenance attestation",
    "dataset_lineage_present": "a signed lineage of its data",
    "unresolved_high_severity_findings": "findings of a vulnerability scan",
}
"""Statements about a release, or about its run, that a policy may demand or deny, in words."""
