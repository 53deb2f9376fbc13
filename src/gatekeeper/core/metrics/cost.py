"""Metrics of cost: what an outcome costs, and what of it was avoidable.

The formulas of value governance stand here too; they read declared facts for what no request
knows.
"""

from __future__ import annotations

from typing import Final

from gatekeeper.core.metrics.formula import Formula
from gatekeeper.core.metrics.metric import Metric, of_trials
from gatekeeper.core.metrics.quality import TASK_DONE

_SPENT: Final = "CASE WHEN prices_missing = 0 THEN nano_usd END"
_USED: Final = "CASE WHEN tokens_missing = 0 THEN tokens END"
_RESOLVED: Final = "CASE WHEN resolved_missing = 0 THEN resolved END"
_NO_FACTS: Final = "absent facts are an error of the rule, never 0"
COST: Final = (
    Metric(
        "usd_per_resolved_request",
        "cost",
        "ratio",
        "usd",
        definition="USD of all calls of all turns, over the conversations that were resolved",
        source="calls.nano_usd and outcomes.resolved, suite quality",
        nulls="what errors cost counts; no outcome is an error of the rule",
        look_at="tokens in and out per request, then tiers: prompt, top_k, router",
        suites=("quality",),
        scale=1e-9,
        components=("prompt", "router", "retrieval", "model", "budgets"),
        sql=of_trials(_SPENT, d=_RESOLVED, where="suite = 'quality'"),
    ),
    Metric(
        "tokens_per_verified_outcome",
        "cost",
        "ratio",
        "tokens",
        definition="tokens of all classes of all calls of all turns, over the conversations that "
        "were resolved",
        source="calls.*_tokens and outcomes.resolved, suite quality",
        nulls="what errors consumed counts; no outcome is an error of the rule",
        look_at="tokens in and out per request: prompt, top_k, output cap",
        suites=("quality",),
        components=("prompt", "retrieval", "model", "budgets"),
        sql=of_trials(_USED, d=_RESOLVED, where="suite = 'quality'"),
    ),
    Metric(
        "input_token_share",
        "cost",
        "ratio",
        "rate",
        definition="what prompts cost, over what all calls cost",
        source="calls.input_nano_usd and calls.nano_usd, all suites",
        nulls="a call that does not say what its prompt cost is an error of the rule",
        look_at="the prompt's length, top_k, and how much of it a prefix cache could reuse",
        components=("prompt", "retrieval", "serving"),
        sql=of_trials(
            "CASE WHEN input_prices_missing = 0 THEN input_nano_usd END", d=_SPENT, where="true"
        ),
    ),
    Metric(
        "saved_prefill_value",
        "cost",
        "mean",
        "usd",
        definition="USD a conversation saved by prefix tokens that a cache held: their number "
        "times what computing one costs more than reading it",
        source="calls.saved_nano_usd, all suites",
        nulls="a call that does not say what was saved is an error of the rule",
        look_at="order of the prompt's parts, prefix caching of the engine",
        scale=1e-9,
        better="high",
        components=("serving", "prompt"),
        sql=of_trials("CASE WHEN savings_missing = 0 THEN saved_nano_usd END"),
    ),
    Metric(
        "cost_per_successful_agent_task",
        "cost",
        "ratio",
        "usd",
        definition="USD of calls, machines and people who took over, over the agent tasks that "
        "were completed within the bounds of policy and quality",
        source="calls.nano_usd and the success of tasks, suite agent; declared facts",
        nulls=f"no outcome is an error of the rule; {_NO_FACTS}",
        look_at="steps and tokens a task, tasks that failed, escalations",
        suites=("agent",),
        scale=1e-9,
        components=("prompt", "tools", "router", "model", "budgets"),
        sql=of_trials(
            _SPENT,
            d=f"CASE WHEN resolved_missing = 0 THEN {TASK_DONE} END",
            where="suite = 'agent'",
        ),
        formulas=(Formula(add="infrastructure_usd + escalation_usd", money=True),),
    ),
    Metric(
        "cost_per_verified_change",
        "cost",
        "ratio",
        "usd",
        definition="USD of models, machines, retrieval, review, incidents and rework, over the "
        "changes that were released and verified",
        source="calls.nano_usd of all suites; declared facts",
        nulls=f"an unpriced call is an error of the rule; {_NO_FACTS}",
        look_at="its parts in the facts: review and rework usually outweigh the models",
        scale=1e-9,
        sql=of_trials(_SPENT),
        formulas=(
            Formula(
                add="infrastructure_usd + retrieval_usd + review_hours * review_usd_per_hour "
                "+ incident_usd + rework_usd",
                over="verified_changes",
                money=True,
            ),
        ),
    ),
    Metric(
        "verification_tax_ratio",
        "cost",
        "declared",
        "hours_per_hour",
        definition="hours of review, rework and work on failed evaluations, over the hours of "
        "delivery that was assisted",
        source="declared facts",
        nulls=_NO_FACTS,
        look_at="which of the three takes the time",
        formulas=(
            Formula(add="review_hours + rework_hours + remediation_hours", over="delivery_hours"),
        ),
    ),
    Metric(
        "instability_tax",
        "cost",
        "declared",
        "usd",
        definition="cost of failures less that of the baseline period",
        source="declared facts",
        nulls=_NO_FACTS,
        look_at="incidents since the baseline period, by release",
        formulas=(Formula(add="failure_usd - baseline_failure_usd"),),
    ),
    Metric(
        "budget_breach_rate",
        "cost",
        "proportion",
        "rate",
        definition="share of conversations that met a ceiling of the budget",
        source="requests.breach_actions and requests.reason, all suites",
        nulls="an error may have been a breach; unknown actions are an error of the rule",
        look_at="requests with breach_actions; budgets against prompt and retrieval",
        components=("budgets", "prompt", "retrieval", "router"),
        sql=of_trials(
            "CASE WHEN breaches_missing = 0 THEN breaches > 0 END",
            unknown="breaches = 0 AND errors > 0",
        ),
    ),
)
