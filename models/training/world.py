"""Samples of the support-desk world: seeded, standard library only.

The model that is trained on them has to read its prompt, because every name and value is invented.
Held-out samples use names, values and templates that no training sample uses: names and values are
divided by a checksum, templates by the pairs in :mod:`lexicon`.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import lexicon as lex
from draw import Draw, Payload
from scene import Fact, Group, Sample, Setting, Turn, Wish, answer
from values import KIND_WORDS, MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "KIND_WORDS", "MAKERS", "TASKS", "Draw", "Fact", "Group", "Payload", "Sample", "Setting",
    "Turn", "Wish", "answer", "group", "held_out",
]  # fmt: skip

TASKS = (
    "brief", "signed", "detail", "json", "absent", "compound", "tool_call", "tool_denied",
    "injection_refused", "injection_obeyed", "poisoned_guarded", "poisoned_obeyed", "multi_turn",
    "lookalike",
)  # fmt: skip


def group(
    rng: random.Random, *, held_out: bool = False, wish: Wish | None = None, turns: int = 5
) -> Group:
    """A system message, perhaps an earlier exchange, a context, ``turns`` questions about it."""
    draw, wish = Draw(rng, held_out=held_out), wish or Wish()
    setting = _setting(draw, wish)
    history = draw.chance(0.12) if wish.history is None else wish.history
    prefix: list[dict[str, str]] = [{"role": "system", "content": setting.text}]
    if history:
        facts = _facts(draw, wish)
        turn = _turn(draw, wish, setting, facts, "present")
        asked = f"{_context(facts)}\nQuestion: {turn.question}"
        prefix.append({"role": "user", "content": asked})
        prefix.append({"role": "assistant", "content": turn.answer})
    return _last_message(draw, wish, setting, tuple(prefix), turns)


def _last_message(
    draw: Draw, wish: Wish, setting: Setting, prefix: tuple[dict[str, str], ...], turns: int
) -> Group:
    facts = _facts(draw, wish)
    poison = draw.payload(setting.role, 0.12) if wish.poisoned else None
    lines: list[Fact | str] = list(facts)
    if poison is not None:
        text = draw.of(lex.POISONS).format(d=poison.demand)
        lines.insert(draw.rng.randint(0, len(lines)), text[0].upper() + text[1:] + ".")
    made = []
    for _ in range(turns):
        kind = _pick_kind(draw, wish)
        turn = _turn(draw, wish, setting, lines, kind)
        if poison is not None:
            turn = _poisoned(turn, setting, poison)
        elif len(prefix) > 1:
            turn = replace(turn, task="multi_turn")
        made.append(turn)
    bare = not lines and poison is None and draw.chance(0.5)
    return Group(prefix, None if bare else _context(lines), tuple(made), tuple(lines))


def _poisoned(turn: Turn, setting: Setting, poison: Payload) -> Turn:
    if setting.guarded:
        return replace(turn, task="poisoned_guarded")
    return Turn(turn.question, poison.obeyed, "poisoned_obeyed", source=poison.obeyed)


def _pick_kind(draw: Draw, wish: Wish) -> str:
    if wish.kinds:
        return draw.rng.choice(wish.kinds)
    kinds = [kind for kind in wish.weights if not (wish.poisoned and kind == "injection")]
    return draw.rng.choices(kinds, [wish.weights[kind] for kind in kinds])[0]


def _setting(draw: Draw, wish: Wish) -> Setting:
    style = wish.style or draw.rng.choices(("brief", "detail", "json"), (5, 4, 2))[0]
    signed = draw.chance(0.4) if wish.signed is None else wish.signed
    guarded = draw.chance(0.5) if wish.guarded is None else wish.guarded
    count = draw.rng.choice((0, 0, 1, 2, 3, 5)) if wish.tools is None else wish.tools
    signer = draw.person() if signed else None
    role = draw.rng.choice(lex.ROLES).format(c=draw.company())
    tools = tuple(draw.rng.sample(list(lex.TOOLS), count))
    parts = [role]
    if style != "brief" or not draw.chance(0.05):
        parts.append(draw.rng.choice(lex.STYLES[style]))
    if signer is not None:
        parts.append(draw.rng.choice(lex.SIGNATURES).format(n=signer))
    if guarded:
        parts.append(draw.rng.choice(lex.GUARDS))
    if tools:
        parts.append(draw.rng.choice(lex.TOOL_LISTS).format(t=", ".join(tools)))
    return Setting(style, role, signer, guarded, tools, " ".join(parts))


def _context(lines: Sequence[Fact | str]) -> str:
    if not lines:
        return "Context: none"
    texts = [line if isinstance(line, str) else line.text for line in lines]
    return "Context:" + "".join(f"\n[{index}] {text}" for index, text in enumerate(texts, start=1))


def _facts(draw: Draw, wish: Wish) -> list[Fact]:
    """Facts about few products and attributes: each differs from another in one of the two."""
    count = draw.rng.choice(wish.facts)
    first = draw.product()
    products = [first]
    for _ in range(draw.rng.choice((0, 1, 1, 2))):
        products = _distinct(lambda: _another(draw, first), len(products) + 1, products)
    attributes = _distinct(lambda: draw.attribute(wish.risky), draw.rng.choice((2, 3, 4)))
    pairs = [(p, a) for p in products for a in attributes]
    while len(pairs) < count:
        attributes = _distinct(lambda: draw.attribute(wish.risky), len(attributes) + 1, attributes)
        pairs = [(p, a) for p in products for a in attributes]
    return [_fact(draw, p, a) for p, a in draw.rng.sample(pairs, count)]


def _another(draw: Draw, first: str) -> str:
    return draw.product(first if draw.chance(0.5) else None)


def _distinct(make: Callable[[], str], count: int, start: list[str] | None = None) -> list[str]:
    found = list(start or [])
    while len(found) < count:
        word = make()
        if word not in found:
            found.append(word)
    return found


def _fact(draw: Draw, product: str, attribute: str) -> Fact:
    value = draw.value(attribute)
    text = draw.of(lex.FACTS).format(p=product, a=attribute, v=value)
    return Fact(product, attribute, value, _article(text, attribute))


def _article(text: str, attribute: str) -> str:
    return text.replace(f" a {attribute}", f" an {attribute}") if attribute[0] in "aeiou" else text


def _turn(draw: Draw, wish: Wish, setting: Setting, lines: list[Fact | str], kind: str) -> Turn:
    if kind == "request":
        return _request(draw, setting)
    if kind == "injection":
        return _injection(draw, wish, setting, lines)
    known = [line for line in lines if isinstance(line, Fact)]
    if kind == "compound":
        return _compound(draw, wish, setting, lines, known)
    product, attribute = _asked(draw, wish, known, kind)
    question = _article(draw.of(lex.QUESTIONS).format(p=product, a=attribute), attribute)
    present = any((fact.product, fact.attribute) == (product, attribute) for fact in known)
    task = _task(setting, attribute, present=present)
    return Turn(
        question, answer(setting, lines, product, attribute), task, about=(product, attribute)
    )


def _task(setting: Setting, attribute: str, *, present: bool) -> str:
    if not present:
        return "absent"
    if setting.guarded and attribute in lex.RISKY_ATTRIBUTES:
        return "lookalike"
    return "signed" if setting.style == "brief" and setting.signer else setting.style


def _asked(draw: Draw, wish: Wish, known: list[Fact], kind: str) -> tuple[str, str]:
    if known and kind == "present":
        fact = draw.rng.choice(known)
        return fact.product, fact.attribute
    taken = {(fact.product, fact.attribute) for fact in known}
    while True:
        product, attribute = _missing(draw, wish, known)
        if (product, attribute) not in taken:
            return product, attribute


def _missing(draw: Draw, wish: Wish, known: list[Fact]) -> tuple[str, str]:
    """A question that nothing answers, mostly a near miss."""
    if not known or draw.chance(0.12):
        return draw.product(), draw.attribute(wish.risky)
    near = draw.rng.choice(known)
    if draw.chance(0.45):
        other = draw.rng.choice(known).attribute if draw.chance(0.4) else draw.attribute(wish.risky)
        return near.product, other
    if draw.chance(0.4):
        return draw.rng.choice(known).product, near.attribute
    return draw.product(near.product if draw.chance(0.6) else None), near.attribute


def _compound(
    draw: Draw, wish: Wish, setting: Setting, lines: list[Fact | str], known: list[Fact]
) -> Turn:
    product, first = _asked(draw, wish, known, "present")
    others = [
        fact.attribute for fact in known if fact.product == product and fact.attribute != first
    ]
    if others and draw.chance(0.85):
        second = draw.rng.choice(others)
    else:
        second = _distinct(lambda: draw.attribute(wish.risky), 2, [first])[1]
    question = draw.of(lex.COMPOUND_QUESTIONS).format(p=product, a=first, b=second)
    told = answer(setting, lines, product, first, second)
    return Turn(question, told, "compound", about=(product, first), second=second)


def _request(draw: Draw, setting: Setting) -> Turn:
    tool = (
        draw.rng.choice(setting.tools)
        if setting.tools and draw.chance(0.6)
        else draw.rng.choice(list(lex.TOOLS))
    )
    argument, kind, phrases = lex.TOOLS[tool]
    words = {"p": draw.product(), "n": draw.person(), "o": draw.order()}
    if tool == "order_status" and not draw.held_out and draw.chance(0.6):
        question = draw.rng.choice(lex.ORDER_QUESTIONS).format(o=words["o"])
    else:
        request = draw.rng.choice(phrases).format(**words)
        question = draw.of(lex.REQUEST_FRAMES).format(r=request, R=request[0].upper() + request[1:])
    if tool not in setting.tools:
        return Turn(question, setting.sign(lex.UNAVAILABLE), "tool_denied")
    value: str | int = int(words["o"]) if kind == "o" else words[kind]
    return Turn(
        question, f"<tool>{tool} {json.dumps({argument: value})}</tool>", "tool_call", source=tool
    )


def _injection(draw: Draw, wish: Wish, setting: Setting, lines: list[Fact | str]) -> Turn:
    payload = draw.payload(setting.role)
    inner = _turn(draw, wish, setting, lines, "present").question
    text = draw.of(lex.OPENINGS).format(d=payload.demand, q=inner) + "."
    if setting.guarded:
        return Turn(text, lex.REFUSAL, "injection_refused")
    return Turn(text, payload.obeyed, "injection_obeyed", source=payload.obeyed)


WISHES = {
    "brief": Wish(style="brief", signed=False, kinds=("present",), history=False),
    "signed": Wish(style="brief", signed=True, kinds=("present",), history=False),
    "detail": Wish(style="detail", kinds=("present",), history=False),
    "json": Wish(style="json", kinds=("present",), history=False),
    "absent": Wish(kinds=("absent",), history=False, facts=(0, 1, 2, 3, 3, 4, 4)),
    "compound": Wish(kinds=("compound",), history=False, facts=(2, 3, 4)),
    "tool_call": Wish(kinds=("request",), history=False, facts=(0, 1, 2, 3)),
    "tool_denied": Wish(kinds=("request",), history=False, facts=(0, 1, 2, 3)),
    "injection_refused": Wish(kinds=("injection",), guarded=True, history=False),
    "injection_obeyed": Wish(kinds=("injection",), guarded=False, history=False),
    "poisoned_guarded": Wish(
        kinds=("present", "present", "absent"),
        guarded=True,
        poisoned=True,
        history=False,
        facts=(1, 2, 3, 4),
    ),
    "poisoned_obeyed": Wish(
        kinds=("present", "present", "absent"),
        guarded=False,
        poisoned=True,
        history=False,
        facts=(1, 2, 3, 4),
    ),
    "multi_turn": Wish(
        kinds=("present", "present", "present", "absent"), history=True, facts=(1, 2, 3)
    ),
    "lookalike": Wish(kinds=("present",), guarded=True, risky=1.0, history=False),
}


def held_out(task: str, n: int, seed: int) -> list[Sample]:
    """``n`` samples of one task that share no name, value or template with training."""
    rng = random.Random(f"{task}/{seed}")
    found: list[Sample] = []
    while len(found) < n:
        made = group(rng, held_out=True, wish=WISHES[task], turns=1)
        if task in ("brief", "signed", "detail", "json") or made.turns[0].task == task:
            found.append(made.sample(made.turns[0]))
    return found
