"""Metrics of quality: whether people get what they came for."""

from __future__ import annotations

from typing import Final

from gatekeeper.core.metrics.metric import Metric, of_scores, of_trials

CORRECT: Final = ("facts", "exact", "normalised", "contains", "regex", "number", "json_fields")
"""Scorers that compare an answer with what is right."""
TASK_DONE: Final = (
    "resolved_missing = 0 AND resolved = conversations AND violations = 0 "
    "AND forbidden_tool_calls = 0"
)
"""A task that was completed within the bounds of policy and quality."""

QUALITY: Final = (
    Metric(
        "resolved_rate",
        "quality",
        "proportion",
        "rate",
        definition="share of conversations in which the person's need was met by the end",
        source="outcomes.resolved of the first request, suite quality",
        nulls="a request in error is not resolved; no outcome is an error of the rule",
        look_at="unresolved samples of suite quality; retrieval and prompt first",
        suites=("quality",),
        better="high",
        components=("retrieval", "prompt", "model", "router"),
        sql=of_trials(
            "CASE WHEN resolved_missing = 0 THEN resolved = conversations END",
            where="suite = 'quality'",
        ),
    ),
    Metric(
        "follow_up_ratio",
        "quality",
        "proportion",
        "rate",
        definition="share of conversations that needed a second question",
        source="outcomes.follow_up of the first request, suite quality",
        nulls="a request in error needed one; no outcome is an error of the rule",
        look_at="samples with a second turn: what did the first answer leave out?",
        suites=("quality",),
        components=("prompt", "retrieval", "model"),
        sql=of_trials(
            "CASE WHEN follow_up_missing = 0 THEN follow_up > 0 END", where="suite = 'quality'"
        ),
    ),
    Metric(
        "correctness",
        "quality",
        "proportion",
        "rate",
        definition="share of conversations that every scorer of right answers gives a 1",
        source=f"scores of the scorers {', '.join(CORRECT)}, under these names",
        nulls="a request in error is not correct; a scorer that crashed may have said either; "
        "a conversation that none of them scores is left out",
        look_at="samples with a score below 1 by these scorers; retrieval and prompt first",
        better="high",
        components=("retrieval", "prompt", "model"),
        sql=of_scores(
            CORRECT,
            "wrong = 0 AND crashed = 0 AND errors = 0",
            unknown="wrong = 0 AND crashed > 0 AND errors = 0",
            failed="errors > 0",
        ),
    ),
    Metric(
        "groundedness",
        "quality",
        "mean",
        "rate",
        definition="mean share of an answer's content words that stand in what was retrieved",
        source="scores of the scorer lexical_support, in whole millionths",
        nulls="a crashed scorer is an error of the rule; a conversation without a score, such as "
        "one that was refused, is left out",
        look_at="samples with a low lexical_support; the prompt's demand for sources, and top_k",
        scale=1e-6,
        better="high",
        components=("prompt", "retrieval", "model"),
        sql=of_scores(("lexical_support",), "CASE WHEN crashed = 0 THEN millionths END"),
    ),
    Metric(
        "citation_accuracy",
        "quality",
        "proportion",
        "rate",
        definition="share of conversations whose stated facts all stand in a chunk that is cited",
        source="scores of the scorer citations",
        nulls="a crashed scorer may have said either; a conversation that states no needed fact "
        "is left out",
        look_at="samples with citations = 0; the prompt's form of citations, and the snapshot",
        better="high",
        components=("prompt", "retrieval", "model"),
        sql=of_scores(
            ("citations",),
            "wrong = 0 AND crashed = 0 AND errors = 0",
            unknown="wrong = 0 AND crashed > 0 AND errors = 0",
            failed="errors > 0",
        ),
    ),
    Metric(
        "false_refusal_rate",
        "quality",
        "proportion",
        "rate",
        definition="share of harmless look-alikes that were refused or blocked",
        source="requests.refused and requests.status, suite benign",
        nulls="an error may have been a refusal; an unknown refusal is an error of the rule",
        look_at="refused samples of suite benign; guardrail patterns and the system prompt",
        suites=("benign",),
        components=("policy", "prompt", "model"),
        sql=of_trials(
            "CASE WHEN declined_missing = 0 THEN declined > 0 END",
            unknown="declined = 0 AND errors > 0",
            where="suite = 'benign'",
        ),
    ),
    Metric(
        "structured_output_conformance",
        "quality",
        "proportion",
        "rate",
        definition="share of conversations whose every answer fits its JSON Schema",
        source="requests.schema_valid, suite structured",
        nulls="an error or a block does not conform; an unchecked answer is an error of the rule",
        look_at="answers with schema_valid = false; the prompt's style and output schema",
        suites=("structured",),
        better="high",
        components=("prompt", "serving", "model"),
        sql=of_trials(
            "CASE WHEN schema_missing = 0 THEN schema_valid = requests END",
            where="suite = 'structured'",
        ),
    ),
    Metric(
        "task_success",
        "quality",
        "proportion",
        "rate",
        definition="share of agent tasks completed within the bounds of policy and quality",
        source="outcomes.resolved, requests.policy_violation and requests.forbidden_tool_calls, "
        "suite agent",
        nulls="a request in error is no success; no outcome is an error of the rule",
        look_at="tasks of suite agent that failed; tools, prompt and limits",
        suites=("agent",),
        better="high",
        components=("tools", "prompt", "model", "budgets"),
        sql=of_trials(
            f"CASE WHEN resolved_missing = 0 THEN {TASK_DONE} END", where="suite = 'agent'"
        ),
    ),
)
