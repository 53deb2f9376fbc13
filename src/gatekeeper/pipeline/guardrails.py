"""Guardrails made of RE2 patterns: linear time, narrow, and no detection of injection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gatekeeper.core.pii import PersonalData
from gatekeeper.errors import InputError, Problem
from gatekeeper.pipeline.visit import HaltError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.model.components import PatternRule, Policy
    from gatekeeper.ports import Chunk

REDACTED = "[redacted]"
WITHHELD = "[withheld: it holds instructions]"


class Compiled(Protocol):
    """A compiled RE2 pattern, as far as it is used here."""

    def sub(self, repl: Callable[[object], str], text: str) -> str:
        """The text with every match replaced."""
        ...


class PatternSet:
    """All patterns of several rules, matched in one pass."""

    def __init__(self, rules: Sequence[PatternRule]) -> None:
        self._rules = [rule for rule in rules for _ in rule.patterns]
        self._compiled: list[Compiled] = []
        if not rules:
            return
        import re2

        self._set = re2.Set.SearchSet(_quiet())
        for rule in rules:
            for pattern in rule.patterns:
                self._compiled.append(_compile(rule, pattern))
                self._set.Add(pattern)
        self._set.Compile()

    def matches(self, text: str) -> list[PatternRule]:
        """The rules that match, in their order, each once."""
        if not self._compiled:
            return []
        found = {self._rules[index].name: self._rules[index] for index in self._hits(text)}
        return list(found.values())

    def redact(self, text: str, rule: PatternRule) -> str:
        """`text` without what `rule` matches."""
        for owner, pattern in zip(self._rules, self._compiled, strict=True):
            if owner is rule:
                text = pattern.sub(lambda _: REDACTED, text)
        return text

    def _hits(self, text: str) -> list[int]:
        return sorted(self._set.Match(text) or ())


def _quiet() -> object:
    import re2

    options = re2.Options()
    options.log_errors = False
    return options


def _compile(rule: PatternRule, pattern: str) -> Compiled:
    import re2

    try:
        compiled: Compiled = re2.compile(pattern, _quiet())
    except re2.error as error:
        what = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise InputError(
            [
                Problem(
                    f"the pattern {pattern!r} of the rule {rule.name!r} does not compile: {what}",
                    path="components.policy",
                    accepted="RE2 syntax: no look-around, no back-references",
                )
            ]
        ) from error
    return compiled


class Guardrails:
    """The policy component, ready for use."""

    def __init__(self, policy: Policy) -> None:
        self._input = PatternSet(policy.input)
        self._injection = PatternSet(policy.injection)
        self._output = PatternSet(policy.output)
        self._personal = PersonalData(policy.pii.kinds)
        self._pii_action = policy.pii.action
        self._clean: dict[str, bool] = {}

    def admit(self, text: str) -> tuple[str, list[str]]:
        """The request as the release may see it, and the rules that flag it.

        Raises:
            HaltError: A rule blocks it.
        """
        text, flags = self._apply(self._input, text, "input_guardrail")
        text, more = self._apply(self._injection, text, "injection")
        return text, flags + more

    def trusted(self, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """The chunks in which no injection pattern occurs."""
        return tuple(chunk for chunk in chunks if self._is_clean(chunk))

    def screened(self, text: str) -> str:
        """What a tool said, withheld where an injection pattern occurs in it."""
        return WITHHELD if self._injection.matches(text) else text

    def release(self, text: str) -> tuple[str, list[str]]:
        """The answer as it may go out, and the rules that flag it.

        Raises:
            HaltError: A rule blocks it.
        """
        text, flags = self._apply(self._output, text, "output_guardrail")
        text, more = self._without_personal_data(text)
        return text, flags + more

    def _is_clean(self, chunk: Chunk) -> bool:
        # The snapshot is fixed, so each chunk needs to be looked at once only.
        clean = self._clean.get(chunk.source)
        if clean is None:
            clean = self._clean[chunk.source] = not self._injection.matches(chunk.text)
        return clean

    def _apply(self, patterns: PatternSet, text: str, reason: str) -> tuple[str, list[str]]:
        flags = []
        for rule in patterns.matches(text):
            if rule.action == "block":
                raise HaltError("blocked", f"{reason}:{rule.name}", rule.message, refused=True)
            if rule.action == "redact":
                text = patterns.redact(text, rule)
            else:
                flags.append(f"{reason}:{rule.name}")
        return text, flags

    def _without_personal_data(self, text: str) -> tuple[str, list[str]]:
        found = self._personal.find(text)
        if not found:
            return text, []
        if self._pii_action == "block":
            message = "The answer held personal data and was withheld."
            raise HaltError("blocked", f"pii:{found[0].kind}", message, refused=True)
        if self._pii_action == "flag":
            return text, [f"pii:{item.kind}" for item in found]
        return self._personal.redact(text, found), []
