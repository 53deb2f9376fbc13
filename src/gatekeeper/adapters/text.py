"""Bytes into text: UTF-8, no byte order mark, no control characters; every fault by its place."""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.errors import InputError, Problem

MAX_FAULTS: Final = 10
BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"

# C0 and C1 controls but tab, line feed, carriage return and next line; then the noncharacters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_CLEAN: Final = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F)])


def decode(data: bytes, file: str) -> str:
    """The text of `data`; raises `InputError` naming every fault in `file`, at most ten."""
    if data.isascii() and not data.translate(None, _CLEAN):
        return data.decode("ascii")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError([_not_utf8(data, error.start, file)]) from None
    if problems := faults(text, file):
        raise InputError(problems)
    return text


def faults(text: str, file: str) -> list[Problem]:
    """What may not be in a text: a byte order mark at its start, and control characters."""
    problems = []
    if text.startswith(BYTE_ORDER_MARK):
        message = "starts with a byte order mark"
        problems.append(Problem(message, file, 1, 1, accepted="UTF-8 without a byte order mark"))
    for found in _FORBIDDEN.finditer(text):
        line, column = position(text, found.start())
        message = f"control character U+{ord(found[0]):04X}"
        problems.append(Problem(message, file, line, column, accepted="printable text"))
        if len(problems) == MAX_FAULTS:
            break
    return problems


def position(text: str, offset: int) -> tuple[int, int]:
    """The 1-based line and column of a character."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _not_utf8(data: bytes, offset: int, file: str) -> Problem:
    line, column = position(data[:offset].decode("utf-8"), offset)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("is UTF-16", file, 1, 1, accepted="UTF-8 without a byte order mark")
    return Problem(f"byte 0x{data[offset]:02x} is not UTF-8", file, line, column, accepted="UTF-8")
