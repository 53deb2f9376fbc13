"""Personal data by pattern and check digit: e-mail, phone, IBAN, payment card.

Phone numbers count when they are written as such: with a leading `+`, a leading zero and a
separator, or in groups of 3-3-4. Cards must pass the Luhn check and IBANs ISO 7064 mod 97-10, so
that order numbers are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind = Literal["email", "phone", "iban", "card"]

PATTERNS: dict[Kind, str] = {
    "card": r"\b\d(?:[ -]?\d){11,18}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b",
    "email": r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}\b",
    "phone": (
        r"\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}\b"
        r"|\b0\d{1,4}[ ./-]\d{2,}(?:[ ./-]?\d{2,}){0,4}\b"
        r"|(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b"
    ),
}
"""In the order in which they are looked for: a card number may look like a phone number."""
PHONE_DIGITS = range(7, 16)
"""E.164: at most 15 digits."""


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data: `text[start:end]`."""

    kind: Kind
    start: int
    end: int


class PersonalData:
    """Finds the kinds that a policy names."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._patterns = []
        if kinds:
            import re2

            self._patterns = [(k, re2.compile(p)) for k, p in PATTERNS.items() if k in kinds]

    def find(self, text: str) -> list[Found]:
        """What was found, in the order of the text; pieces do not overlap."""
        found: list[Found] = []
        for kind, pattern in self._patterns:
            for match in pattern.finditer(text):
                item = Found(kind, match.start(), match.end())
                if CHECKS[kind](match.group()) and not any(_overlap(item, one) for one in found):
                    found.append(item)
        return sorted(found, key=lambda item: item.start)

    def redact(self, text: str, found: Sequence[Found]) -> str:
        """`text` with each piece replaced by its kind."""
        for item in reversed(found):
            text = f"{text[: item.start]}[{item.kind}]{text[item.end :]}"
        return text


def luhn(text: str) -> bool:
    """Whether the digits of `text` pass the Luhn check (ISO/IEC 7812-1)."""
    digits = [int(letter) for letter in reversed(text) if letter in "0123456789"]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])  # noqa: PLR2004 - 2 x 5 = 10
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether `text` passes ISO 7064 mod 97-10, as an IBAN must (ISO 13616)."""
    plain = text.replace(" ", "")
    number = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def _phone(text: str) -> bool:
    return sum(letter in "0123456789" for letter in text) in PHONE_DIGITS


CHECKS: dict[Kind, Callable[[str], bool]] = {
    "card": luhn,
    "iban": iban,
    "email": bool,
    "phone": _phone,
}


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
