"""All manifests of a change in one comment: what to do in the open, the rest under folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.review import NOTHING
from gatekeeper.core.wording import counted, first_of
from gatekeeper.report.markdown import cell, code, fenced, plain, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.review import Judged, PolicyChange, Review

MARKS: Final = {"pass": "✅", "fail": "❌", "inconclusive": "❔", "error": "⚠️", NOTHING: "⏭️"}
MOST_ROWS: Final = 50
MOST_CAUSES: Final = 3
SHORT: Final = 12
_POLICY: Final = "**The gate policy changes together with what it judges.**"
_OWNER: Final = (
    "Its owner should agree to that on its own merits; promotion asks for"
    " `gatekeeper policy approve`."
)
_WHERE: Final = "the reports of the job hold all of it"
_SHORTENED: Final = f"\n\n_Too long to be shown here whole: {_WHERE}._"


def comment(review: Review, longest: int) -> str:
    """The comment, in Markdown, as much of it as fits.

    Args:
        review: What was found.
        longest: The most characters that it may have.
    """
    head = "\n\n".join(_head(review)) + "\n"
    found = review.gravest_first
    if len(head) + len(_left_out(len(found))) > longest:
        return _line(review, longest)
    text, kept = head, 0
    for place, one in enumerate(found):
        room = longest - len(text) - len(_left_out(len(found)))
        tries = (
            _part(one),
            _part(one, difference=False) + _SHORTENED,
            _part(one, difference=False, folds=False) + _SHORTENED,
        )
        part = next((f"\n{part}\n" for part in tries if len(part) + 2 <= room), None)
        if part is None:
            break
        text, kept = text + part, place + 1
    return text + _left_out(len(found) - kept) if kept < len(found) else text


def _left_out(count: int) -> str:
    return f"\n_{counted(count, 'more manifest')}: {_WHERE}._\n"


def _line(review: Review, longest: int) -> str:
    """Where there is no room for more than the outcome."""
    line = f"## {MARKS[review.outcome]} gatekeeper: {_summary(review)}"
    whole = f"{line}\n\n_Too long to be shown here: {_WHERE}._\n"
    return whole if len(whole) <= longest else f"{line[: longest - 1]}\n"


def review_document(review: Review, comment_at: str) -> dict[str, Any]:
    """The same as programs read it; `comment_at` is the address of the comment."""
    return {
        "outcome": review.outcome,
        "exit": review.exit,
        "base": review.base,
        "commit": review.commit,
        "manifests": [_judged(one) for one in review.judged],
        "deleted": list(review.deleted),
        "policies": [_policy(one) for one in review.policies],
        "comment": comment_at,
    }


def review_text(review: Review) -> str:
    """One line a manifest, for a log."""
    if not review.judged:
        return "no manifest is touched: nothing to judge"
    lines = []
    for one in review.judged:
        lines.append(f"{one.outcome:<12}  {one.manifest}{_of(one)}")
        lines += [f"  {line}" for line in one.error.splitlines()]
    return "\n".join(lines)


def _head(review: Review) -> Iterator[str]:
    of = f" in {code(review.project)}" if review.project else ""
    yield f"## {MARKS[review.outcome]} gatekeeper{of}: {_summary(review)}"
    yield _where(review)
    if review.policies:
        yield "\n".join(["> [!WARNING]", *_policies(review)])
    if review.judged:
        yield "\n".join(_table(review))
    if review.deleted:
        yield "Taken away, and so not judged: " + ", ".join(map(code, review.deleted))


def _policies(review: Review) -> Iterator[str]:
    yield f"> {_POLICY}"
    for one in review.policies:
        if one.unclear:
            yield f"> - {code(one.file)}: {plain(one.unclear.splitlines()[0])}"
        elif not one.loosened:
            yield f"> - {code(one.file)} demands nothing less than before."
        else:
            yield f"> - {code(one.file)} **demands less**. {_OWNER}"
        for loose in one.loosened:
            change = f"{code(loose.before)} became {code(loose.after)}"
            yield f">   - {code(loose.rule)} {loose.what}: {change}"


def _summary(review: Review) -> str:
    if not review.judged:
        return "no release is touched"
    count = len(review.judged)
    outcomes = [one.outcome for one in review.judged]
    if count == 1:
        return outcomes[0]
    tally = {outcome: outcomes.count(outcome) for outcome in MARKS if outcome in outcomes}
    return f"{count} releases: " + ", ".join(f"{number} {name}" for name, number in tally.items())


def _where(review: Review) -> str:
    parts = [f"Commit {review.commit[:SHORT]}" if review.commit else "This working tree"]
    if review.base:
        parts.append(f"against {review.base[:SHORT]}")
    if review.log:
        parts.append(f"· [log and reports]({review.log})")
    if review.base:
        where = f" --project {review.project}" if review.project else ""
        again = f"gatekeeper ci --since {review.base[:SHORT]}{where}"
        parts.append(f"· to have the runs here: {code(again)}")
    return " ".join(parts)


def _table(review: Review) -> Iterator[str]:
    yield "| | manifest | verdict | touched by |"
    yield "| --- | --- | --- | --- |"
    for one in review.gravest_first[:MOST_ROWS]:
        yield row([MARKS[one.outcome], cell(one.manifest), _verdict(one), _causes(one)])
    if len(review.judged) > MOST_ROWS:
        yield f"| | and {len(review.judged) - MOST_ROWS} more | | |"


def _verdict(one: Judged) -> str:
    if one.error:
        return "error: no verdict"
    rules = [] if one.outcome == "pass" else one.verdict["rules"]
    bad = [rule["rule"] for rule in rules if rule["outcome"] == one.outcome]
    named = first_of([*map(cell, bad)], MOST_CAUSES)
    return f"**{one.outcome}**: {named}" if named else f"**{one.outcome}**"


def _causes(one: Judged) -> str:
    return first_of([cell(cause.file) for cause in one.because], MOST_CAUSES) or "named"


def _part(one: Judged, *, difference: bool = True, folds: bool = True) -> str:
    """A manifest: its story, all of it or only what is told in the open, and what changed."""
    blocks = [f"## {code(one.manifest)}{_of(one)}"]
    if one.error:
        blocks.append(fenced(one.error))
    elif one.story:
        blocks.append((one.story if folds else one.story.partition("<details>")[0]).strip())
    if one.compared:
        blocks.append(f"Compared with {plain(one.compared)}.")
    if difference and one.difference:
        fold = "<details><summary>What changed in the release</summary>"
        blocks += [fold, one.difference.strip(), "</details>"]
    return "\n\n".join(blocks)


def _of(one: Judged) -> str:
    return f" ({short(one.release)})" if one.release else ""


def _judged(one: Judged) -> dict[str, Any]:
    return {
        "manifest": one.manifest,
        "outcome": one.outcome,
        "exit": one.exit,
        "because": [{"file": cause.file, "role": cause.role} for cause in one.because],
        "release": one.release or None,
        "baseline": one.baseline or None,
        "compared": one.compared,
        "run": one.run or None,
        "error": one.error or None,
        "reports": one.reports,
    }


def _policy(one: PolicyChange) -> dict[str, Any]:
    return {
        "file": one.file,
        "loosened": [loose.model_dump(mode="json") for loose in one.loosened],
        "unclear": one.unclear or None,
    }
