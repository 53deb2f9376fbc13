"""The same 25 rules with pandas and scipy: read, join, group by sample, one interval a rule.

What a careful analyst would write: only the columns that are needed, Arrow strings, categories for
what repeats, one pass of `groupby` with built-in aggregates, vectorised intervals. It does less
than the gate: it neither verifies digests nor looks for missing values or unpaired samples; it
corrects no ratio for skewness, bounds no pair that one side failed, and takes requests that follow
each other for independent; it gives no power, no sample sizes, no samples that did worst. A change
of a quantile has the bounds of its two sides, or with `--bootstrap` those of as many replicates as
the gate draws.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from gate_scale import RULES, report

ALPHA = 0.05
REPLICATES = 10_000
TESTS = ("max_increase", "max_decrease", "min", "max")
KEYS = ["arm", "suite", "sample_id", "replicate"]
REQUESTS = [
    "request_id", *KEYS, "status", "refused", "policy_violation", "schema_valid",
    "forbidden_tool_calls", "latency_us", "turn",
]  # fmt: skip
CALLS = [
    "request_id", "kind", "outcome", "input_tokens", "cached_input_tokens", "output_tokens",
    "nano_usd", "input_nano_usd", "latency_us", "time_to_first_token_us",
]  # fmt: skip


def read(directory: Path, name: str, columns: list[str]) -> pd.DataFrame:
    """Some columns of a table, what repeats as categories."""
    repeated = ["arm", "suite", "status", "kind", "outcome", "scorer"]
    table = pq.read_table(directory / f"{name}.parquet", columns=columns, read_dictionary=repeated)
    kinds = {pa.string(): pd.StringDtype("pyarrow")}
    return table.to_pandas(types_mapper=kinds.get, self_destruct=True, split_blocks=True)


def trials(directory: Path) -> pd.DataFrame:
    """One row a conversation, with sums over its requests and their calls."""
    calls = read(directory, "calls", CALLS)
    calls = calls[calls["kind"] == "model"]
    tokens = calls["input_tokens"] + calls["cached_input_tokens"] + calls["output_tokens"]
    first = calls["latency_us"] - calls["time_to_first_token_us"]
    spent = (
        pd.DataFrame(
            {
                "request_id": calls["request_id"],
                "attempts": 1,
                "nano_usd": calls["nano_usd"],
                "tokens": tokens,
                "input": calls["input_nano_usd"],
                "after_first": first.where(calls["outcome"] == "ok"),
            }
        )
        .groupby("request_id", sort=False)
        .agg(
            attempts=("attempts", "sum"),
            nano_usd=("nano_usd", "sum"),
            tokens=("tokens", "sum"),
            input=("input", "sum"),
            after_first=("after_first", "last"),
        )
    )
    del calls, tokens, first
    fate = read(directory, "outcomes", ["request_id", "resolved", "follow_up"])
    fate = fate.groupby("request_id", sort=False).agg(
        resolved=("resolved", "min"), follow_up=("follow_up", "max")
    )
    asked = read(directory, "requests", REQUESTS)
    asked = asked.merge(spent, on="request_id", how="left").merge(fate, on="request_id", how="left")
    del spent, fate
    error = asked["status"] == "error"
    first_turn = asked["turn"] == 0
    columns = pd.DataFrame(
        {
            **{key: asked[key] for key in KEYS},
            "requests": 1,
            "errors": error,
            "conversations": first_turn,
            "resolved": first_turn & ~error & asked["resolved"].eq(other=True),
            "follow_up": first_turn & (error | asked["follow_up"].eq(other=True)),
            "declined": asked["refused"].eq(other=True) | (asked["status"] == "blocked"),
            "violations": asked["policy_violation"].eq(other=True),
            "schema_valid": asked["schema_valid"].eq(other=True) & ~error,
            "breaches": False,
            "degraded": asked["status"] == "degraded",
            "forbidden": asked["forbidden_tool_calls"],
            "attempts": asked["attempts"].fillna(0),
            "calling": asked["attempts"] > 0,
            "nano_usd": asked["nano_usd"].fillna(0),
            "tokens": asked["tokens"].fillna(0),
            "input": asked["input"].fillna(0),
        }
    )
    columns["latency_us"] = asked["latency_us"]
    columns["first_token_us"] = asked["latency_us"] - asked["after_first"].fillna(0)
    longest = {"latency_us": "max", "first_token_us": "max"}
    sums = {name: "sum" for name in columns.columns if name not in {*KEYS, *longest}}
    grouped = columns.groupby(KEYS, sort=False, observed=True).agg({**sums, **longest})
    return grouped.reset_index()


def scored(directory: Path) -> pd.DataFrame:
    """Wrong and all scores by scorer and sample, of the candidate."""
    scores = read(directory, "scores", ["request_id", "scorer", "value"])
    asked = read(directory, "requests", ["request_id", *KEYS])
    joined = scores.merge(asked[asked["arm"] == "candidate"], on="request_id")
    joined["wrong"] = joined["value"] < 1
    return joined.groupby(["scorer", "suite", "sample_id"], observed=True, sort=False).agg(
        wrong=("wrong", "sum"), n=("wrong", "size")
    )


def share(events: int, n: int) -> list[float]:
    """Clopper-Pearson."""
    low = stats.beta.ppf(ALPHA, events, n - events + 1) if events else 0.0
    high = stats.beta.ppf(1 - ALPHA, events + 1, n - events) if events < n else 1.0
    return [events / n, low, high]


def ratio(y: np.ndarray, d: np.ndarray) -> list[float]:
    """A ratio of means, by the delta method."""
    n, value = len(y), y.sum() / d.sum()
    error = np.sqrt(((y - value * d) ** 2).sum() * n / (n - 1)) / d.sum()
    reach = stats.t.ppf(1 - ALPHA, n - 1) * error
    return [value, value - reach, value + reach]


def ratio_change(pairs: pd.DataFrame, y: str, d: str) -> list[float]:
    """The relative change of a ratio on the same samples, by the delta method on its logarithm."""
    columns = [pairs[f"{name}_{side}"].to_numpy(float) for side in "cb" for name in (y, d)]
    n = len(columns[0])
    means = [column.mean() for column in columns]
    signs = (1, -1, -1, 1)
    parts = sum(s * (c / m - 1) for s, c, m in zip(signs, columns, means, strict=True))
    error = np.sqrt((parts**2).sum() / (n - 1) / n)
    log = np.log(means[0] / means[1] / (means[2] / means[3]))
    reach = stats.t.ppf(1 - ALPHA, n - 1) * error
    return [np.exp(log) - 1, np.exp(log - reach) - 1, np.exp(log + reach) - 1]


def quantile(times: np.ndarray, p: float) -> list[float]:
    """Order statistics, with exact bounds by the binomial distribution."""
    ordered, n = np.sort(times), len(times)
    low = int(stats.binom.ppf(ALPHA, n, p)) - 1
    high = int(stats.binom.ppf(1 - ALPHA, n, p)) + 1
    return [float(ordered[min(int(np.ceil(n * p)) - 1, n - 1)]), ordered[low], ordered[high]]


def quantile_change(pairs: pd.DataFrame, p: float) -> list[float]:
    """The relative change of a quantile, with bounds from those of the two sides, or drawn."""
    if "--bootstrap" in sys.argv:
        return drawn_change(pairs, p)
    c = quantile(pairs["latency_us_c"].to_numpy(), p)
    b = quantile(pairs["latency_us_b"].to_numpy(), p)
    return [c[0] / b[0] - 1, c[1] / b[2] - 1, c[2] / b[1] - 1]


def drawn_change(pairs: pd.DataFrame, p: float) -> list[float]:
    """The same, with percentiles of a paired bootstrap of blocks of consecutive requests."""
    sides = [pairs[f"latency_us_{side}"].to_numpy() for side in "cb"]
    n = len(pairs)
    count = int(np.sqrt(n)) // 2
    block = np.arange(n) * count // n
    orders = [np.argsort(side, kind="stable") for side in sides]
    draw = np.random.default_rng(1)
    sizes, changes = np.bincount(block), np.empty(REPLICATES)
    for number in range(REPLICATES):
        times = draw.multinomial(count, np.full(count, 1 / count)).astype(np.int32)
        target = np.ceil(p * (sizes @ times))
        c, b = (
            side[order[np.searchsorted(np.cumsum(times[block[order]]), target)]]
            for side, order in zip(sides, orders, strict=True)
        )
        changes[number] = c / b - 1
    estimate = quantile(sides[0], p)[0] / quantile(sides[1], p)[0] - 1
    return [estimate, *np.quantile(changes, (ALPHA, 1 - ALPHA))]


def share_change(c: np.ndarray, b: np.ndarray) -> list[float]:
    """A difference of shares on the same samples."""
    n, gained, lost = len(c), int((c & ~b).sum()), int((b & ~c).sum())
    value = (gained - lost) / n
    error = np.sqrt((gained + lost) / n - value**2) / np.sqrt(n)
    reach = stats.norm.ppf(1 - ALPHA) * error
    return [value, value - reach, value + reach]


SUITES = {
    "resolved_rate": "quality", "follow_up_ratio": "quality", "false_refusal_rate": "benign",
    "structured_output_conformance": "structured", "policy_violation_rate": "safety",
    "usd_per_resolved_request": "quality", "tokens_per_verified_outcome": "quality",
}  # fmt: skip
EVENTS = {
    "resolved_rate": lambda t: t["resolved"] == t["conversations"],
    "follow_up_ratio": lambda t: t["follow_up"] > 0,
    "false_refusal_rate": lambda t: t["declined"] > 0,
    "structured_output_conformance": lambda t: t["schema_valid"] == t["requests"],
    "policy_violation_rate": lambda t: t["violations"] > 0,
    "success_rate": lambda t: t["errors"] == 0,
    "budget_breach_rate": lambda t: t["breaches"] > 0,
    "degraded_rate": lambda t: t["degraded"] > 0,
}
RATIOS = {
    "usd_per_resolved_request": ("nano_usd", "resolved", 1e-9),
    "tokens_per_verified_outcome": ("tokens", "resolved", 1.0),
    "input_token_share": ("input", "nano_usd", 1.0),
    "retry_amplification": ("attempts", "calling", 1.0),
}


def decide(directory: Path) -> dict[str, list[float]]:
    """Estimate and bounds by rule."""
    table, scores = trials(directory), scored(directory)
    candidate = table[table["arm"] == "candidate"]
    baseline = table[table["arm"] == "baseline"]
    both = candidate.merge(
        baseline, on=["suite", "sample_id", "replicate"], suffixes=("_c", "_b"), sort=False
    )
    found = {}
    for section, limits in RULES.items():
        for key in limits:
            test = next((one for one in TESTS if key.endswith(f"_{one}")), "")
            metric = key.removesuffix(f"_{test}") if test else key
            found[f"{section}.{key}"] = rule(metric, test, candidate, both, scores)
    return found


def shares(metric: str, rows: pd.DataFrame, test: str) -> list[float]:
    """A rule on a share, or on its change."""
    if not test.endswith("crease"):
        events = EVENTS[metric](rows)
        return share(int(events.sum()), len(events))
    sides = [
        EVENTS[metric](rows.filter(regex=f"_{side}$").rename(columns=lambda name: name[:-2]))
        for side in "cb"
    ]
    found = share_change(*(one.to_numpy() for one in sides))
    return [-found[0], -found[2], -found[1]] if test == "max_decrease" else found


def times(metric: str, rows: pd.DataFrame, slowest: pd.Series, test: str) -> list[float]:
    """A rule on a latency, or on its change; an error is slower than the slowest."""
    p = int(metric[1:3]) / 100
    column = "first_token_us" if metric.endswith("ttft") else "latency_us"
    if test.endswith("crease"):
        late = np.where(rows["errors_c"] > 0, slowest[column], 0)
        return quantile_change(rows.assign(latency_us_c=rows["latency_us_c"] + late), p)
    late = np.where(rows["errors"] > 0, slowest[column], 0)
    return [x / 1e3 for x in quantile((rows[column] + late).to_numpy(), p)]


def counts(metric: str, alone: pd.DataFrame, scores: pd.DataFrame) -> list[float]:
    """A rule on what must not occur."""
    if metric == "forbidden_tool_call":
        tested = (alone["suite"] == "safety") & (alone["errors"] == 0)
        events, n = int(alone["forbidden"].sum()), int(tested.sum())
    else:
        one = scores.loc[metric.partition("_")[0]]
        events, n = int(one["wrong"].sum()), int(one["n"].sum())
    return [events, *share(events, n)[1:]]


def rule(
    metric: str, test: str, alone: pd.DataFrame, both: pd.DataFrame, scores: pd.DataFrame
) -> list[float]:
    """One rule."""
    if not test:
        return counts(metric, alone, scores)
    latency = metric.endswith(("_latency", "_ttft"))
    suite = "load" if latency else SUITES.get(metric)
    rows = both if test.endswith("crease") else alone
    rows = rows if suite is None else rows[rows["suite"] == suite]
    if metric in EVENTS:
        return shares(metric, rows, test)
    if "errors_b" in rows:
        rows = rows[rows["errors_b"] == 0]
    if latency:
        load = alone[alone["suite"] == "load"]
        return times(metric, rows, load[["latency_us", "first_token_us"]].max(), test)
    y, d, scale = RATIOS[metric]
    if test.endswith("crease"):
        return ratio_change(rows, y, d)
    return [x * scale for x in ratio(rows[y].to_numpy(float), rows[d].to_numpy(float))]


if __name__ == "__main__":
    report(decide, Path(sys.argv[2]))
