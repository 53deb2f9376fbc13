"""Markdown of verdicts, changes and reviews, read by an independent reader of Markdown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gatekeeper.core.affected import Cause
from gatekeeper.core.review import Judged, PolicyChange, Review
from gatekeeper.model.verdict import Contribution, Loosened, SliceResult, Verdict
from gatekeeper.report.markdown import cell, code, plain
from gatekeeper.report.review import comment
from gatekeeper.report.verdict_markdown import verdict_markdown
from verdicts import failing, verdict

READER: Final = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY: Final = (
    "<script>alert(1)</script>",
    "</details></td>",
    "<!-- hidden",
    "![x](https://evil.example/pixel.png)",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "a | b | c",
    "`code` ``two`` ```three```",
    "```\n## out",
    "# heading",
    "> quote\n- list",
    "**bold** __bold__ ~~gone~~",
    "[x]: https://evil.example",
    "&lt;b&gt; &amp;",
    "a\\",
    "$x$ :tada:",
    "==\n--",
)
ANY: Final = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'|`@#\n\r\x1b![]()\\-*_~$:"),
    min_size=1,
    max_size=24,
)
OURS: Final = {
    *("h2", "h3", "h4", "p", "ul", "li", "strong", "code", "pre", "blockquote"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td"),
}


class Seen(HTMLParser):
    """What a reader of the page gets: elements, and the text in them."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.comments: list[str] = []
        self.text = ""
        self.feed(READER.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u200b", "")


def words(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=150, deadline=None)
@given(ANY)
def test_text_is_shown_as_it_is_and_makes_no_element(given_: str) -> None:
    from gatekeeper.report.markup import spelled_out

    wanted = spelled_out(words(given_))
    for made, elements in ((plain(given_), {"p"}), (code(given_), {"p", "code"})):
        seen = Seen(f"x {made} y")
        assert set(seen.elements) <= elements, made
        assert words(seen.text) == words(f"x {wanted} y"), made


@settings(max_examples=150, deadline=None)
@given(ANY)
def test_a_cell_stays_one_cell(given_: str) -> None:
    from gatekeeper.report.markup import spelled_out

    seen = Seen(f"| a | b |\n|---|---|\n| {cell(given_)} | {plain(given_)} |\n")
    assert seen.elements.count("td") == 2
    assert set(seen.elements) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    shown = spelled_out(words(given_)).replace(" ", "")
    assert seen.text.replace("\n", "").replace(" ", "") == f"ab{shown}{shown}"


def test_nothing_is_linked_that_was_not_meant_to_be() -> None:
    for address in ("https://evil.example", "www.evil.example", "GH-12", "@octocat", "a/b#12"):
        assert "\u200b" in plain(address).replace("&#8203;", "\u200b"), address


def odd(words_: list[str]) -> Verdict:
    reason, sample, value, by, owner, warning, name, look = words_
    one = failing().model_copy(
        update={
            "reason": reason,
            "by": by,
            "owner": owner,
            "look_at": look,
            "rule": f"cost.{name}",
            "slices": (SliceResult(value=value, outcome="fail", estimate=1.0, n=3),),
            "samples": (Contribution(sample=sample, suite="quality", candidate=1.0),),
        }
    )
    return verdict(one, release_name=name, warnings=(warning,), policy_name=value)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, min_size=8, max_size=8))
def test_no_text_makes_an_element_of_a_verdict(given_: list[str]) -> None:
    benign = Seen(verdict_markdown(odd(["word"] * 8)))
    seen = Seen(verdict_markdown(odd(given_)))
    assert set(seen.elements) <= OURS
    assert seen.comments == []
    for element in ("details", "summary", "table", "tr", "td", "h3"):
        assert seen.elements.count(element) == benign.elements.count(element), element


def reviewed(text: str, parts: int = 1, **facts: object) -> Review:
    loose = Loosened(rule=text, what="limit", before=text, after=text)
    judged = tuple(
        Judged(
            f"{text}-{place}",
            (Cause(text, "prompt.system"),),
            exit=1,
            compared=text,
            verdict={"outcome": "fail", "rules": [{"rule": text, "outcome": "fail"}]},
            story=f"story {place} of {text if facts.get('told') else 'it'}\n",
        )
        for place in range(parts)
    )
    unclear = PolicyChange(text, unclear=text)
    return Review(
        judged,
        base="b" * 40,
        commit="a" * 40,
        deleted=(text,),
        policies=(PolicyChange(text, (loose,)), unclear),
        project=text,
    )


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_no_text_makes_an_element_of_a_review(given_: str) -> None:
    benign, seen = Seen(comment(reviewed("word"), 65_000)), Seen(comment(reviewed(given_), 65_000))
    assert set(seen.elements) <= OURS
    assert seen.comments == []
    for element in ("table", "tr", "td", "h2", "blockquote"):
        assert seen.elements.count(element) == benign.elements.count(element), element


@pytest.mark.parametrize("longest", [700, 2_000, 5_000, 20_000])
def test_a_comment_is_cut_between_parts_and_says_how_many_are_left_out(longest: int) -> None:
    text = comment(reviewed("desk " * 20, parts=40), longest)
    assert len(text) <= longest
    shown = len(re.findall(r"^story \d+ of it$", text, re.MULTILINE))
    assert shown < 40
    assert "reports of the job" in text.splitlines()[-1]
    if shown:
        assert f"{40 - shown} more" in text.splitlines()[-1]
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_what_is_told_in_the_open_stays_where_the_folds_do_not_fit() -> None:
    fold = f"<details><summary>All rules</summary>\n\n{'x ' * 5_000}\n\n</details>"
    judged = tuple(
        Judged(f"m{place}.yaml", exit=1, verdict={"outcome": "fail", "rules": []}, story=story)
        for place, story in enumerate([f"### Gate: fail\n\n- why\n\n{fold}\n"] * 3)
    )
    text = comment(Review(judged), 12_000)
    assert text.count("- why") == 3
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.count("Too long to be shown here whole") == 2


def test_a_verdict_too_long_for_a_comment_loses_whole_parts() -> None:
    many = {f"parameter_{place}_{'x' * 40}": 0.5 for place in range(100)}
    rules = [
        failing().model_copy(update={"rule": f"cost.rule_{place}", "reason": "why " * 150})
        for place in range(200)
    ]
    left = rules[0].model_copy(update={"outcome": "inconclusive", "rule": "cost.open"})
    one = verdict(*rules, left).model_copy(update={"parameters": many})
    text = verdict_markdown(one)
    assert len(text) < 62_000
    assert text.count("<details>") == text.count("</details>") == len(re.findall("<summary>", text))
    assert text.rstrip().endswith("`gatekeeper report 20261120-120000-000abc`")
