"""The difference, read by somebody who has never seen it: golden files, and what must be there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders import make_model, make_project, manifest, write, write_manifest
from gatekeeper.core.diff import ReleaseDiff, compare
from gatekeeper.core.packing import documents
from gatekeeper.report.diff import text
from gatekeeper.report.diff_markdown import markdown
from gatekeeper.report.markup import escape
from releases import built

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.packing import Packed

GOLDEN = Path(__file__).parents[1] / "golden" / "diff"


def between(old: Packed, new: Packed) -> ReleaseDiff:
    return compare(old.release, new.release, bytes_of(old), bytes_of(new))


def bytes_of(packed: Packed) -> dict[str, bytes]:
    layer = packed.release.component_digests["retrieval"]
    return documents(packed.blobs[layer], packed.release.components.retrieval, layer)


def plain(diff: ReleaseDiff, width: int = 80) -> str:
    """As a terminal without colour shows it."""
    from io import StringIO

    from rich.console import Console

    stream = StringIO()
    Console(file=stream, soft_wrap=True, highlight=False, emoji=False).print(
        text(diff, width=width)
    )
    return stream.getvalue()


def without_digests(shown: str) -> str:
    """The tokenizer's file, and so the digests, may differ between versions of its library."""
    return re.sub(r"\b[0-9a-f]{12}\b", "0123456789ab", shown)


def nothing(_root: Path, _content: dict[str, Any]) -> None:
    """The same again."""


def prompt(root: Path, content: dict[str, Any]) -> None:
    write(
        root / "manifests/desk/system.jinja",
        "You are the support desk of Northwind. Answer in detail [always], with\nevery source.\n",
    )
    content["components"]["prompt"]["few_shot"] = [{"user": "Hello?", "assistant": "Hello!"}]


def routing(_root: Path, content: dict[str, Any]) -> None:
    router, budgets = content["components"]["router"], content["components"]["budgets"]
    router["tiers"]["quick"] = router["tiers"].pop("standard") | {"timeout_seconds": 5}
    router["tiers"]["search"]["fallback"] = "quick"
    router["routes"][1]["route_to"] = "quick"
    router["routes"].insert(1, {"match": {"tenant": "acme"}, "route_to": "quick"})
    budgets["per_request"]["input_tokens"] = 1200
    budgets["per_day"]["usd"] = 7.5
    del budgets["actions"]


def context(root: Path, content: dict[str, Any]) -> None:
    docs = root / "manifests/desk/docs"
    write(docs / "velar.md", "The warranty of the Velar Duo is 36 months.\nIt is blue.\n")
    (docs / "zentor.md").unlink()
    for number in range(14):
        write(docs / f"new/product-{number:02}.md", f"Product {number} is new.\n")
    content["components"]["retrieval"]["top_k"] = 4


def model(root: Path, content: dict[str, Any]) -> None:
    make_model(root / "models/tiny", seed=2, size=8192)
    write(root / "models/tiny/added_tokens.json", "{}")
    content["components"]["serving"]["sampling"] = {"max_tokens": 32, "temperature": 0.5}


def policy(_root: Path, content: dict[str, Any]) -> None:
    content["governance"] = {"data_residency": ["eu"]}
    content["components"]["policy"]["pii"]["kinds"] = ["email", "phone"]
    content["components"]["policy"]["tenants"]["required"] = True
    content["components"]["tools"]["allow"]["open_ticket"]["description"] = (
        "Open a ticket about a product, and say so in the answer to the person who asks."
    )


def system(_root: Path, content: dict[str, Any]) -> None:
    content["metadata"]["name"] = "desk-next"
    content["components"]["prompt"]["template"] = "{{ context }}\n\nQ: {{ input }} | `x`"
    content["components"]["budgets"]["per_day"]["usd"] = 10


def name(_root: Path, content: dict[str, Any]) -> None:
    content["metadata"]["name"] = "desk-next"


CASES = (nothing, prompt, routing, context, model, policy, system, name)
CLASSES = ("none", "prompt-only", "routing", "context", "model", "policy", "system", "none")


def changed(tmp_path: Path, edit: Callable[[Path, dict[str, Any]], None]) -> ReleaseDiff:
    root = make_project(tmp_path)
    before = built(root).packed
    content = manifest()
    edit(root, content)
    write_manifest(root, content)
    return between(before, built(root).packed)


@pytest.mark.parametrize(("edit", "expected"), list(zip(CASES, CLASSES, strict=True)))
def test_golden(
    tmp_path: Path,
    golden: Callable[[Path, str], None],
    edit: Callable[[Path, dict[str, Any]], None],
    expected: str,
) -> None:
    diff = changed(tmp_path, edit)
    assert diff.change_class == expected
    shown = plain(diff)
    golden(GOLDEN / f"{edit.__name__}.txt", without_digests(shown))
    golden(GOLDEN / f"{edit.__name__}.md", without_digests(markdown(diff)))
    assert max(map(len, shown.splitlines())) <= 80


def test_wide_terminals_are_used(tmp_path: Path) -> None:
    diff = changed(tmp_path, prompt)
    assert len(plain(diff, 160).splitlines()) < len(plain(diff, 60).splitlines())


def test_both_directions_swap_what_was_added_and_removed(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    before = built(root).packed
    content = manifest()
    routing(root, content)
    context(root, content)
    write_manifest(root, content)
    after = built(root).packed
    there, back = plain(between(before, after), 160), plain(between(after, before), 160)
    assert "1 changed, 1 removed, 14 added" in there
    assert "1 changed, 14 removed, 1 added" in back
    assert "5 -> 7.5 (+50.0 %)" in there
    assert "7.5 -> 5 (-33.3 %)" in back


def test_blanks_alone(tmp_path: Path) -> None:
    def edit(root: Path, _content: dict[str, Any]) -> None:
        path = root / "manifests/desk/system.jinja"
        path.write_text(path.read_text().replace("Answer", " Answer"))

    assert "(only blanks differ)" in plain(changed(tmp_path, edit))


def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    def edit(root: Path, _content: dict[str, Any]) -> None:
        write(root / "manifests/desk/system.jinja", "Say [bold]no[/bold] [red] \\[x] <b>")

    diff = changed(tmp_path, edit)
    for word in ("[bold]no[/bold]", "[red]", "\\[x]", "<b>"):
        assert word in plain(diff)
    assert "&lt;b&gt;" in markdown(diff)
    assert escape("[bold]") != "[bold]"


def test_nothing_in_a_prompt_turns_the_text_beside_it_around(tmp_path: Path) -> None:
    def edit(root: Path, _content: dict[str, Any]) -> None:
        write(root / "manifests/desk/system.jinja", "Never \u202erefund\u2066 @octocat GH-12")

    diff = changed(tmp_path, edit)
    for shown in (plain(diff), markdown(diff)):
        assert "\u202e" not in shown
        assert "u202erefund" in shown
    assert "@octocat" not in markdown(diff)
    assert "GH-12" not in markdown(diff)
