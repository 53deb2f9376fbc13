"""Metrics of reliability: whether answers come, how fast, and what it takes.

Latencies are read from the suite `load` alone, which is sent at a declared rate.
"""

from __future__ import annotations

from typing import Final

from gatekeeper.core.metrics.formula import Formula
from gatekeeper.core.metrics.metric import Metric, of_trials

_LOAD: Final = "suite = 'load'"
_TIMES: Final = {
    "latency": (
        "the time from when a request was due to its answer",
        "requests.latency_us, suite load",
        "latency_us",
        "due_missing + latency_missing",
        "false",
    ),
    "ttft": (
        "the time from when a request was due to the first token of its answer",
        "requests.latency_us, calls.latency_us and calls.time_to_first_token_us, suite load",
        "first_token_us",
        "due_missing + latency_missing + first_token_missing",
        "false",
    ),
    "itl": (
        "a request's mean time between two tokens of its answer",
        "calls.inter_token_us, suite load",
        "inter_token_us",
        "inter_token_missing",
        "errors = 0 AND inter_token_known + inter_token_missing = 0",
    ),
}
_LOOK_AT: Final = {
    "latency": "slowest requests of suite load; answer length, tiers, retries, engine settings",
    "ttft": "slowest requests of suite load; prompt length, queueing, prefix caching",
    "itl": "slowest requests of suite load; batch size, engine settings, the model's size",
}
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_ORDINALS: Final = {"p50": "50th", "p95": "95th", "p99": "99th"}


def _time(name: str, what: str) -> Metric:
    meaning, source, column, missing, silent = _TIMES[what]
    slowest = f"(SELECT max({column}) FROM trials WHERE {_LOAD})"  # noqa: S608 - constants only
    y = f"{column} + CASE WHEN errors > 0 THEN {slowest} ELSE 0 END"
    left_out = "; who says at most one token is left out" if what == "itl" else ""
    return Metric(
        f"{name}_{what}",
        "reliability",
        "quantile",
        "ms",
        definition=f"{_ORDINALS[name]} percentile of {meaning}",
        source=source,
        nulls="an error counts as slower than the slowest; an unknown time is an error of the "
        f"rule{left_out}",
        look_at=_LOOK_AT[what],
        suites=("load",),
        quantile=_QUANTILES[name],
        scale=1e-3,
        components=("serving", "model", "prompt", "router", "retrieval"),
        sql=of_trials(f"CASE WHEN {missing} = 0 THEN {y} END", silent=silent, where=_LOAD),
    )


RELIABILITY: Final = (
    Metric(
        "success_rate",
        "reliability",
        "proportion",
        "rate",
        definition="share of conversations none of whose requests ended in an error",
        source="requests.status, all suites",
        nulls="none: a request always has a status",
        look_at="requests with status error and their reason",
        better="high",
        components=("serving", "model", "router", "budgets"),
        sql=of_trials("errors = 0", failed="0"),
    ),
    *(_time(name, what) for what in _TIMES for name in _QUANTILES),
    Metric(
        "retry_amplification",
        "reliability",
        "ratio",
        "per_request",
        definition="attempts at a model, over the requests that called one",
        source="calls of kind model, all suites",
        nulls="who calls no model is in neither sum; an unknown number is an error of the rule",
        look_at="calls with an outcome other than ok; timeouts, fallbacks, the engine's health",
        components=("router", "serving", "prompt", "tools"),
        sql=of_trials(
            "CASE WHEN attempts_missing = 0 THEN attempts END", d="calling", silent="calling = 0"
        ),
    ),
    Metric(
        "token_amplification",
        "reliability",
        "ratio",
        "per_request",
        definition="tokens of all calls, over those of the first call of each request that a "
        "person made",
        source="calls.*_tokens, requests.parent and requests.continues, all suites",
        nulls="who calls no model is in neither sum; unknown tokens are an error of the rule",
        look_at="conversations with many calls: tools, retries, corrections",
        components=("tools", "prompt", "router", "budgets"),
        sql=of_trials(
            "CASE WHEN tokens_missing + surface_missing = 0 THEN tokens END",
            d="surface_tokens",
            silent="calling = 0",
        ),
    ),
    Metric(
        "fallback_rate",
        "reliability",
        "proportion",
        "rate",
        definition="share of conversations in which a tier failed and another was to answer",
        source="requests.fell_back, all suites",
        nulls="an unknown fallback is an error of the rule",
        look_at="calls with an outcome other than ok, by tier; the engine's health, timeouts",
        components=("router", "serving", "model"),
        sql=of_trials("CASE WHEN fell_back_missing = 0 THEN fell_back > 0 END"),
    ),
    Metric(
        "degraded_rate",
        "reliability",
        "proportion",
        "rate",
        definition="share of conversations with an answer that is less than the release intends",
        source="requests.status, all suites",
        nulls="an error may have been degraded",
        look_at="requests with status degraded and their reason",
        components=("budgets", "router", "prompt"),
        sql=of_trials("degraded > 0", unknown="degraded = 0 AND errors > 0"),
    ),
    Metric(
        "loop_limit_rate",
        "reliability",
        "proportion",
        "rate",
        definition="share of conversations that a limit on depth, retries or calls cut short",
        source="requests.limited, all suites",
        nulls="an unknown limit is an error of the rule",
        look_at="requests with limited: what was wrong with the answers that came before?",
        components=("budgets", "tools", "prompt"),
        sql=of_trials("CASE WHEN limited_missing = 0 THEN limited > 0 END"),
    ),
    Metric(
        "energy_per_request",
        "reliability",
        "ratio",
        "wh",
        definition="energy in watt-hours, over requests: E of the Software Carbon Intensity "
        "specification (ISO/IEC 21031:2024)",
        source="calls.*_tokens of all suites; declared facts",
        nulls="unknown tokens are an error of the rule; absent facts too, and never 0",
        look_at="tokens in and out per request, and the machines behind them",
        components=("model", "serving", "prompt"),
        sql=of_trials("CASE WHEN tokens_missing = 0 THEN tokens END", d="requests"),
        formulas=(
            Formula(times="energy_joule_per_token / 3600"),
            Formula(times="0", each="kwh_per_request * 1000"),
        ),
    ),
    Metric(
        "carbon_per_request",
        "reliability",
        "ratio",
        "gco2e",
        definition="grams of CO2 equivalent, over requests: (E * I + M) per R of the Software "
        "Carbon Intensity specification (ISO/IEC 21031:2024)",
        source="calls.*_tokens of all suites; declared facts",
        nulls="unknown tokens are an error of the rule; absent facts too, and never 0",
        look_at="tokens in and out per request, and where the machines stand",
        components=("model", "serving", "prompt"),
        sql=of_trials("CASE WHEN tokens_missing = 0 THEN tokens END", d="requests"),
        formulas=(
            Formula(
                times="energy_joule_per_token * grid_gco2e_per_kwh / 3600000",
                each="embodied_gco2e_per_request",
            ),
            Formula(
                times="0", each="kwh_per_request * grid_gco2e_per_kwh + embodied_gco2e_per_request"
            ),
        ),
    ),
)
