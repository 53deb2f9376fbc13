"""HTML and SVG from values: what is not made here is text, and text is escaped."""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.report.markup import spelled_out

_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
)
_VOID: Final = frozenset({"meta", "link", "br", "col"})
_SPECIAL: Final = re.compile("[&<>\"']")
_BLANK: Final = re.compile(r"[\r\t]")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *content: str | None, **attributes: str | float | None) -> Html:
    """An element; content that is no `Html` is escaped, and attributes that are null left out.

    An underscore at the end of an attribute's name is dropped, any other is a hyphen.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(_shown(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(*content)}</{name}>")


def join(*content: str | None) -> Html:
    """Pieces one after another."""
    return Html("".join(one if isinstance(one, Html) else escaped(one) for one in content if one))


def scrolled(table: Html, label: str, kind: str = "") -> Html:
    """A table that may be wider than the screen: who has no mouse reaches it with the keyboard."""
    classes = f"scroll {kind}".rstrip()
    return tag("div", table, role="region", aria_label=label, tabindex=0, class_=classes)


def picture(title: str, *shapes: Html, size: tuple[float, float], **attributes: str) -> Html:
    """A drawing of lines; its colours do not rest on the style sheet, which a server may forbid."""
    return tag(
        "svg",
        tag("title", title),
        *shapes,
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        role="img",
        fill="none",
        stroke="currentColor",
        font_size=11,
        **attributes,
    )


def lettering(text: str, **attributes: str | float) -> Html:
    """A text in a picture."""
    return tag("text", text, fill="currentColor", stroke="none", **attributes)


def spaced(*pieces: Html | None) -> Html:
    """Elements that are words apart wherever no style sheet sets them apart."""
    return Html(" ".join(piece for piece in pieces if piece))


def breakable(name: str) -> Html:
    """A long name that a narrow screen may break at its underscores and dots."""
    return Html(re.sub(r"(?<=[_./@:])", "<wbr>", escaped(name)))


def escaped(text: str) -> Html:
    """`text` as it is shown; control characters are spelled out."""
    if not text.isprintable():
        text = spelled_out(_BLANK.sub(" ", text), keep="\n\u00a0\u200b")
    return Html(text.translate(_ESCAPES) if _SPECIAL.search(text) else text)


def _shown(value: str | float) -> str:
    """A number as short as its picture needs it."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
