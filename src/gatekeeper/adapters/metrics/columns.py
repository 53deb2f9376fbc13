"""What the columns of the table `trials` are made of, as SQL over the records of requests.

A column is a flag (does any request of the trial meet it?), a count (how many do?), a sum, or the
longest of its requests. They speak of a request by the columns of `requests` and by what is known
of its calls (`SPENT`) and of its late facts (`FATE`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.core.metrics.metric import Metric

_TOKENS: Final = "input_tokens + cached_input_tokens + output_tokens"
_MODEL: Final = "kind = 'model'"
_ANSWERED: Final = "kind = 'model' AND outcome = 'ok'"
FLAGS: Final = {
    "errors": "status = 'error'",
    "resolved_missing": "turn = 0 AND status <> 'error' AND resolved IS NULL",
    "follow_up": "turn = 0 AND (status = 'error' OR follow_up)",
    "follow_up_missing": "turn = 0 AND status <> 'error' AND follow_up IS NULL",
    "declined": "refused OR status = 'blocked'",
    "declined_missing": "refused IS NULL AND status NOT IN ('error', 'blocked')",
    "violations": "policy_violation",
    "violations_missing": "turn = 0 AND policy_violation IS NULL AND status <> 'error'",
    "schema_missing": "schema_valid IS NULL AND status NOT IN ('error', 'blocked') "
    "AND refused IS NOT TRUE",
    "breaches": "len(breach_actions) > 0 OR reason = 'budget_breach'",
    "breaches_missing": "breach_actions IS NULL AND status <> 'error'",
    "tool_calls_missing": "forbidden_tool_calls IS NULL AND status <> 'error'",
    "unauthorised_missing": "unapproved_missing",
    "degraded": "status = 'degraded'",
    "fell_back": "fell_back",
    "fell_back_missing": "fell_back IS NULL",
    "limited": "limited",
    "limited_missing": "limited IS NULL",
    # Clocks that were set back make durations below zero, which are none.
    "latency_missing": "(latency_us IS NULL AND status <> 'error') OR latency_us < 0",
    "due_missing": "scheduled_us IS NULL",
    "first_token_missing": "(answered > 0 AND after_first_us IS NULL) "
    "OR after_first_us > latency_us",
    "inter_token_known": "inter_token_us IS NOT NULL",
    "inter_token_missing": "answered > 0 AND inter_token_us IS NULL "
    "AND last_output IS DISTINCT FROM 1 OR inter_token_us < 0",
    "attempts_missing": "uncounted",
    "prices_missing": "unpriced",
    "tokens_missing": "unmetered",
    "input_prices_missing": "unsplit",
    "savings_missing": "unsaved",
    "surface_missing": "continues IS NULL AND attempts > 0",
}
"""Conditions on a request: 1 where any of the trial meets it, else 0."""
COUNTS: Final = {
    "requests": "true",
    "conversations": "turn = 0",
    "resolved": "turn = 0 AND status <> 'error' AND resolved",
    "schema_valid": "schema_valid AND status <> 'error'",
    "calling": "attempts > 0",
}
"""Conditions on a request: how many of the trial meet them."""
SUMS: Final = {
    "forbidden_tool_calls": "forbidden_tool_calls",
    "unauthorised": "unapproved",
    "attempts": "attempts",
    "answers": "answered",
    "nano_usd": "nano_usd",
    "input_nano_usd": "input_nano_usd",
    "saved_nano_usd": "saved_nano_usd",
    "tokens": "tokens",
    "surface_tokens": "CASE WHEN parent IS NULL AND NOT continues THEN first_tokens END",
}
LONGEST: Final = {
    "latency_us": "latency_us",
    "first_token_us": "latency_us - coalesce(after_first_us, 0)",
    "inter_token_us": "inter_token_us",
}
TYPES: Final = (
    ("UTINYINT", "false", FLAGS),
    ("INTEGER", "false", COUNTS),
    ("BIGINT", "0", SUMS),
    ("BIGINT", "0", LONGEST),
)
COLUMNS: Final = (*FLAGS, *COUNTS, *SUMS, *LONGEST)
"""Names of what the metrics read, beside the keys."""
ALWAYS: Final = frozenset({"requests", "conversations", "errors", "attempts", "answers"})
_WORD: Final = re.compile(r"\w+")
ORDER: Final = "coalesce(attempt, 0)"
SPENT: Final = {
    "attempts": (f"({_MODEL})::INT", f"count(*) FILTER ({_MODEL})"),
    "answered": (f"({_ANSWERED})::INT", f"count(*) FILTER ({_ANSWERED})"),
    "nano_usd": ("nano_usd", "sum(nano_usd)"),
    "input_nano_usd": ("input_nano_usd", "sum(input_nano_usd)"),
    "saved_nano_usd": ("saved_nano_usd", "sum(saved_nano_usd)"),
    "tokens": (_TOKENS, f"sum({_TOKENS})"),
    **{
        name: (
            f"CASE WHEN {_ANSWERED} THEN {sql} END",
            f"{pick}({sql}, {ORDER}) FILTER ({_ANSWERED})",
        )
        for name, pick, sql in (
            ("first_tokens", "arg_min", _TOKENS),
            ("after_first_us", "arg_max", "latency_us - time_to_first_token_us"),
            ("inter_token_us", "arg_max", "inter_token_us"),
            ("last_output", "arg_max", "output_tokens"),
        )
    },
    **{
        name: (sql, f"bool_or({sql})")
        for name, sql in (
            ("uncounted", "attempt IS NULL"),
            ("unpriced", "nano_usd IS NULL OR nano_usd < 0"),
            ("unmetered", f"{_TOKENS} IS NULL"),
            ("unsplit", f"{_MODEL} AND input_nano_usd IS NULL"),
            ("unsaved", f"{_MODEL} AND saved_nano_usd IS NULL"),
            ("unapproved_missing", "kind = 'tool' AND unauthorised IS NULL"),
        )
    },
    "unapproved": (
        "(kind = 'tool' AND unauthorised)::INT",
        "count(*) FILTER (kind = 'tool' AND unauthorised)",
    ),
}
"""What a request spent: of its one call, and of several."""
FATE: Final = {
    "resolved": ("resolved", "bool_and(resolved)"),
    "follow_up": ("follow_up", "bool_or(follow_up)"),
}
"""Where several rows speak of one request, the worst counts."""


def columns_of(metrics: Iterable[Metric]) -> frozenset[str]:
    """The columns of `trials` that the SQL of metrics names, and those that all need.

    Among them is "scored" where it reads that table.
    """
    words = {word for metric in metrics for word in _WORD.findall(metric.sql)}
    return frozenset(words.intersection((*COLUMNS, "scored")) | ALWAYS)
