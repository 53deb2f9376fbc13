"""One line of JSON as a sample: fast where it is plain, exact about what is wrong where not."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gatekeeper.adapters import yaml
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.evalset import Sample

if TYPE_CHECKING:
    from gatekeeper.model.evalset import Expectation

_SPACED: Final = (b" :", b"\t:", b"\r:")
"""What a key may end with in place of a quotation mark and a colon."""


class _TwiceError(Exception):
    """An object has a key twice."""


class _NumberError(Exception):
    """There is no such number in JSON."""


def sample_of(line: bytes, file: str) -> Sample:
    """One line as a sample; raises `InputError` with what is wrong, placed in the line.

    The parser of the type takes a key that is repeated, and numbers that are none, where any JSON
    is accepted. Lines are therefore parsed a second time, with an eye on both, unless their keys
    can be counted and none of their places accepts any JSON.
    """
    from pydantic import ValidationError

    if not line.isascii() or b"\x7f" in line:
        decode(line, file)
    try:
        sample = Sample.model_validate_json(line)
    except ValidationError:
        return _exactly(line, file)
    return sample if _plain(line, sample) else _exactly(line, file)


def _plain(line: bytes, sample: Sample) -> bool:
    """Whether there is nothing in the line that its sample does not show.

    Every key ends in a quotation mark and a colon, so there are at least as many of these as keys.
    """
    expect = sample.expect
    if _has_json(sample, expect):
        return False
    keys = len(sample.model_fields_set) + len(expect.model_fields_set) + len(sample.tags)
    if expect.number is not None:
        keys += len(expect.number.model_fields_set)
    return line.count(b'":') == keys and not any(end in line for end in _SPACED)


def _has_json(sample: Sample, expect: Expectation) -> bool:
    """Whether any of it may be any JSON."""
    return bool(sample.tool_results or expect.json_fields or expect.tool or expect.tools)


def _exactly(line: bytes, file: str) -> Sample:
    from pydantic import ValidationError

    text = decode(line, file).rstrip("\r\n")
    try:
        parsed(text, file)
        return Sample.model_validate_json(text)
    except (ValidationError, _TwiceError):
        # JSON is YAML, and the reader of YAML knows where everything stands.
        return yaml.check(yaml.parse(line, file), Sample).value


def parsed(text: str, file: str) -> Any:
    """Strict JSON: no key twice, finite numbers, no half of a character.

    Raises:
        InputError: It is not JSON.
        _TwiceError: It is, but for an object that has a key twice.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite
        )
        text.encode()
    except json.JSONDecodeError as error:
        problem = Problem(
            f"is not JSON: {error.msg}", file, error.lineno, error.colno, accepted="one object"
        )
        raise InputError([problem]) from None
    except _NumberError as error:
        message = f"{error.args[0]} is not JSON"
        raise InputError([Problem(message, file, 1, 1, accepted="finite numbers")]) from None
    except RecursionError:
        raise InputError([Problem("is nested too deeply", file, 1, 1)]) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise InputError([Problem(f"is not JSON: {error}", file, 1, 1)]) from None
    return value


def object_of(text: str, file: str) -> dict[str, Any]:
    """A line of JSON that has to be an object, whatever its keys."""
    value = parsed_once(text, file)
    if not isinstance(value, dict):
        problem = Problem("is JSON, but no object", file, 1, 1, accepted="one object a line")
        raise InputError([problem])
    return value


def parsed_once(text: str, file: str) -> Any:
    """Strict JSON of any kind; raises `InputError` for a repeated key too."""
    try:
        return parsed(text, file)
    except _TwiceError as error:
        message = f"the key {error.args[0]!r} is there twice"
        raise InputError([Problem(message, file, 1, 1, accepted="each key once")]) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _refused(word: str) -> NoReturn:
    raise _NumberError(word)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        _refused(digits)
    return value
