from __future__ import annotations

import pytest

from gatekeeper.core.packing import pack
from gatekeeper.model.components import Components, Governance
from gatekeeper.report.release import amount, shown, size, summary

PLAIN = {
    "prompt": {"template": "{{ input }}", "few_shot": [{"user": "a", "assistant": "b"}]},
    "model": {
        "models": {
            "big": {"pinned": False, "endpoint_model": "gpt-x"},
            "own": {"files": [{"path": "a", "size": 3_000_000, "sha256": "0" * 64}]},
        }
    },
    "serving": {"engines": [{"name": "openai"}], "sampling": {"max_tokens": 1}},
    "router": {"routes": [{"route_to": "t"}], "tiers": {"t": {"model": "big"}}},
}


def lines(**changes: object) -> dict[str, str]:
    import json

    components = Components.model_validate_json(json.dumps({**PLAIN, **changes}))
    release = pack("desk", Governance(external_model_calls=True), components, {}).release
    text = shown(release, None, ["2026-11-01T00:00:00Z  https://x"])
    assert "hosted models allowed" in text
    assert "none: it is not signed" in shown(release, None, [])
    return {
        line.split("[", 1)[0].strip(): line.split("[/dim] ", 1)[1]
        for line in summary(release, width=200).splitlines()
    }


def test_long_lines_are_wrapped_below_themselves() -> None:
    import json

    engines = [{"name": "vllm", "version": ">=0.32,<0.34"}] * 4
    content = json.dumps({**PLAIN, "serving": {"engines": engines}})
    release = pack("desk", Governance(), Components.model_validate_json(content), {}).release
    found = summary(release, width=60).splitlines()
    assert len(found) > 8
    assert any(line.startswith(" " * 26) for line in found)


def test_components_in_a_line_each() -> None:
    found = lines()
    assert found["prompt"] == "system 0, template 11 characters, 1 example"
    assert found["model"] == "big: hosted gpt-x, unpinned; own: 1 file, 2.9 MiB"
    assert found["serving"] == "openai; at most 1 token"
    assert found["retrieval"] == found["tools"] == found["budgets"] == "none"
    assert found["router"] == "1 route to 1 tier"
    assert found["policy"] == "0 rules"


@pytest.mark.parametrize(
    ("request_budget", "text"),
    [
        ({"output_tokens": 5}, "any tokens in, 5 out"),
        ({"input_tokens": 5, "usd": 0.0005}, "5 tokens in, any out; 0.0005 USD a request"),
    ],
)
def test_budgets(request_budget: dict[str, float], text: str) -> None:
    assert lines(budgets={"per_request": request_budget})["budgets"] == text


def test_amounts_and_sizes() -> None:
    assert [amount(0, "file"), amount(1, "file"), amount(1234, "file")] == [
        "0 files",
        "1 file",
        "1,234 files",
    ]
    assert [size(0), size(1023), size(2048), size(5 << 30)] == [
        "0 B",
        "1023 B",
        "2.0 KiB",
        "5,120.0 MiB",
    ]
