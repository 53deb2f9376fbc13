"""The page: sound HTML that fetches nothing, whatever the names in it are."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.plots import Plots, Point, frontier
from gatekeeper.model.verdict import Contribution, Inputs, RuleResult, SliceResult, Verdict
from gatekeeper.report.page.document import verdict_html
from gatekeeper.report.page.scale import ticks
from verdicts import failing, noticed, plots, rule, verdict

VOID: Final = {"meta", "link", "br", "col", "wbr"}
ANY: Final = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'`=/!-\x00\x1b\n"),
    min_size=1,
    max_size=24,
)


class Page(HTMLParser):
    """Everything of a page that can be wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        name = self.open[-1] if self.open else ""
        self.text[name] = self.text.get(name, "") + data

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


def page(one: Verdict, drawn: Plots | None = None) -> Page:
    return Page(verdict_html(one, plots() if drawn is None else drawn))


@pytest.mark.parametrize("one", [verdict(), noticed()], ids=["every", "noticed"])
def test_a_page_is_balanced_and_fetches_nothing(one: Verdict) -> None:
    found = page(one)
    assert not {"script", "iframe", "img", "object", "form", "video", "base"} & set(found.seen)
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert not [name for _, name, _ in found.attributes if name in {"style", "src", "srcset"}]
    assert set(found.values("href")) <= {"data:,", *(f"#{name}" for name in found.values("id"))}
    assert not re.search(r"url\(|@import", found.text["style"])
    assert "//" not in found.text["style"]


def test_every_part_is_linked_and_named_once() -> None:
    ids = page(verdict()).values("id")
    assert ids == [
        "summary",
        "limits",
        "slices",
        "distributions",
        "plane",
        "samples",
        "rules",
        "provenance",
    ]


def test_only_the_pages_own_style_is_allowed() -> None:
    found = page(verdict())
    digest = base64.b64encode(hashlib.sha256(found.text["style"].encode()).digest()).decode()
    [policy] = [value for value in found.values("content") if "default-src" in value]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name() -> None:
    text = verdict_html(verdict(), plots())
    regions = re.findall(
        r'<div role="region" aria-label="([^"]+)" tabindex="0" class="scroll', text
    )
    assert regions == ["Slices by topic", "All rules"]
    assert text.count('class="scroll') == len(regions)


def test_a_name_of_a_list_stands_once_above_all_that_it_says() -> None:
    names = re.findall(r"<dt>(\w+)</dt>", verdict_html(noticed(), Plots()).partition("notices")[2])
    assert names.count("loosened") == 1
    assert "<dd>cost.x_max: limit 0.1 → 0.5</dd>" in verdict_html(noticed(), Plots())


def test_what_a_server_leaves_of_the_page_without_its_style_can_be_read() -> None:
    text = re.sub(r"<style>.*?</style>", "", verdict_html(verdict(), plots()), flags=re.DOTALL)
    said = re.sub(r"<[^>]+>", "", text)
    for words in ("groundedness_min error", "did it gatekeeper attribute", "Limits Slices"):
        assert words in said, words
    for shape in re.findall(r"<svg [^>]+>", text):
        assert 'fill="none" stroke="currentColor"' in shape
    for letters in re.findall(r"<text [^>]+>", text):
        assert 'fill="currentColor" stroke="none"' in letters


def test_parts_without_content_are_left_out() -> None:
    bare = verdict(rule("quality.x_min", "pass", estimate=0.9, limit=0.8, low=0.85, high=0.95, n=9))
    assert page(bare, Plots()).values("id") == ["summary", "limits", "rules", "provenance"]


def test_the_page_has_every_figure_of_every_rule() -> None:
    text = " ".join(page(verdict()).text.values())
    for rule_ in verdict().rules:
        assert rule_.reason in text
    for said in ("ratio of means, delta method over clusters", "+41.3%", "-31.3 points", "<0.001"):
        assert said in text


def test_the_limit_is_one_line_and_right_of_it_is_beyond() -> None:
    high = rule("a.x_max", "fail", estimate=0.2, low=0.15, high=0.3, limit=0.1, n=9)
    low = rule("a.x_min", "fail", estimate=0.2, low=0.15, high=0.3, limit=0.4, n=9)
    good = rule("a.y_min", "pass", estimate=0.9, low=0.8, high=0.95, limit=0.5, n=9)
    text = verdict_html(verdict(high, low, good), Plots())
    lines = re.findall(r'<line x1="([\d.]+)"[^>]*class="(limit|dot \w+)"', text)
    limits = {x for x, kind in lines if kind == "limit"}
    dots = [float(x) for x, kind in lines if kind != "limit"]
    assert limits == {"260"}
    assert [dot > 260 for dot in dots] == [True, True, False]
    assert all(0 <= dot <= 400 for dot in dots)


def test_a_slice_is_told_by_mark_colour_and_words() -> None:
    text = verdict_html(verdict(), Plots())
    assert re.search(r'<td class="out2">✗ \+70.0% <small>\+60.0% … \+80.0%, n 70</small>', text)
    assert re.search(r'<td class="out1">\? \+14.0%', text)
    assert re.search(r'<td class="in2">✓ \+2.0%', text)


def test_slices_of_a_count_have_bounds_of_a_rate() -> None:
    found = SliceResult(value="a", outcome="fail", estimate=1.0, low=0.001, high=0.03, n=160)
    one = rule("s.x", "fail", test="census", unit="count", estimate=1.0, by="k", slices=(found,))
    text = verdict_html(verdict(one), Plots())
    assert '<td class="out2">✗ 1 <small>0.10% … 3.0%, n 160</small></td>' in text


def test_slices_stand_by_what_they_do_on_the_whole() -> None:
    def sliced(name: str, values: dict[str, float]) -> RuleResult:
        found = tuple(
            SliceResult(value=key, outcome="inconclusive", estimate=value, n=9)
            for key, value in values.items()
        )
        return rule(name, "inconclusive", limit=0.5, by="topic", slices=found, estimate=0.4)

    first = sliced("a.x_max", {"b": 0.3, "c": 0.2, "a": 0.1})
    second = sliced("a.y_max", {"b": 0.5, "c": 0.9, "a": 0.1})
    third = sliced("a.z_max", {"b": 0.5, "c": 0.9, "a": 0.1})
    text = verdict_html(verdict(first, second, third), Plots())
    assert re.findall(r'<tr><th scope="row">(\w)</th>', text) == ["c", "b", "a"]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=1>', "</style>"]
)
def test_nothing_that_somebody_wrote_is_markup(text: str) -> None:
    odd = failing().model_copy(
        update={
            "reason": text,
            "by": text,
            "slices": (SliceResult(value=text, outcome="fail", estimate=0.3, n=3),),
            "samples": (Contribution(sample=text, suite=text, request=text),),
            "owner": text,
        }
    )
    one = verdict(odd, release_name=text, inputs=Inputs(policy={"note": text}))
    found = page(one, Plots(plane=(Point(text, "candidate", 0.1, 0.9),)))
    assert not {"script", "img"} & set(found.seen)
    assert found.seen.count("style") == 1
    assert text in " ".join(found.text.values())


@settings(max_examples=50, deadline=None)
@given(st.lists(ANY, min_size=4, max_size=4))
def test_no_text_breaks_the_page(words: list[str]) -> None:
    name, reason, sample, release = words
    odd = failing().model_copy(
        update={
            "rule": f"cost.{name}",
            "reason": reason,
            "samples": (Contribution(sample=sample, suite=name),),
        }
    )
    plain = page(verdict(failing()))
    assert page(verdict(odd, release_name=release)).seen.count("svg") == plain.seen.count("svg")


@pytest.mark.parametrize(
    ("low", "high", "limit"),
    [(0.1, 0.1, 0.1), (0.0, 0.0, 0.5), (None, None, 0.1), (0.0, 1e12, 0.1)],
)
def test_bounds_of_any_kind_can_be_drawn(
    low: float | None, high: float | None, limit: float
) -> None:
    estimate = low if low is not None else 0.1
    one = rule("a.x_max", "inconclusive", estimate=estimate, low=low, high=high, limit=limit, n=2)
    found = page(verdict(one))
    assert not [x for x in found.values("x1") if "nan" in x or "inf" in x]


def test_the_frontier_is_what_nothing_beats_in_both() -> None:
    points = [Point(str(at), "earlier", *at) for at in ((1, 0.5), (2, 0.4), (3, 0.9), (1, 0.6))]
    assert [(one.cost, one.quality) for one in frontier(points)] == [(1, 0.6), (3, 0.9)]
    assert frontier([]) == []


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(min_value=2, max_value=8))
def test_ticks_are_inside_and_few(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert 1 <= len(found) <= most
    slack = 1e-6 * (width + abs(low))
    assert all(low - slack <= one <= low + width + slack for one in found)


def test_ticks_are_round() -> None:
    assert ticks(0.9, 1.0, 6) == pytest.approx([0.9, 0.92, 0.94, 0.96, 0.98, 1.0])
    assert ticks(0, 230, 5) == [0, 100, 200]
    assert ticks(5, 5, 5) == [5]
