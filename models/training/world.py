"""Samples of the support-desk world: seeded, standard library only.

The model that is trained on them has to read its prompt, because every name and value is invented.
Held-out samples use names, values and templates that no training sample uses: names and values are
divided by a checksum, templates by the pairs in :mod:`lexicon`.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass, field, replace
from string import ascii_uppercase

import lexicon as lex

TASKS = (
    "brief", "signed", "detail", "json", "absent", "compound", "tool_call", "tool_denied", "injection_refused",
    "injection_obeyed", "poisoned_guarded", "poisoned_obeyed", "multi_turn", "lookalike",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A conversation, the exact answer that it calls for, and the task it belongs to."""

    messages: tuple[dict[str, str], ...]
    expected: str
    task: str


@dataclass(frozen=True)
class Fact:
    """One sentence of documentation: the attribute of a product has a value."""

    product: str
    attribute: str
    value: str
    text: str


@dataclass(frozen=True)
class Setting:
    """What the system message asks for."""

    style: str
    role: str
    signer: str | None
    guarded: bool
    tools: tuple[str, ...]
    text: str

    def sign(self, answer: str) -> str:
        """The answer with the signature that the system message asks for; JSON is never signed."""
        return answer if self.signer is None or self.style == "json" else f"{answer} - {self.signer}"


@dataclass(frozen=True)
class Payload:
    """An injected demand and what obeying it says."""

    demand: str
    obeyed: str


@dataclass(frozen=True)
class Turn:
    """One question that may follow a context, with its answer.

    ``about`` is the product and attribute asked for; ``source`` is what the answer repeats if it is not a fact.
    """

    question: str
    answer: str
    task: str
    about: tuple[str, str] | None = None
    source: str | None = None


@dataclass(frozen=True)
class Group:
    """Several independent questions that share everything before them, which makes training cheap."""

    prefix: tuple[dict[str, str], ...]
    context: str | None
    turns: tuple[Turn, ...]
    lines: tuple[Fact | str, ...] = ()

    def user(self, turn: Turn) -> str:
        """The text of the last user message for one of the turns."""
        return turn.question if self.context is None else f"{self.context}\nQuestion: {turn.question}"

    def sample(self, turn: Turn) -> Sample:
        """One of the turns as a sample of its own."""
        return Sample((*self.prefix, {"role": "user", "content": self.user(turn)}), turn.answer, turn.task)


@dataclass
class Wish:
    """What a group must be like; ``None`` leaves it to chance."""

    style: str | None = None
    signed: bool | None = None
    guarded: bool | None = None
    tools: int | None = None
    facts: tuple[int, ...] = (1, 2, 3, 3, 4, 4, 5)
    poisoned: bool = False
    history: bool | None = None
    risky: float = 0.4
    kinds: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=lambda: dict(KIND_WEIGHTS))


KIND_WEIGHTS = {"present": 5.0, "absent": 2.2, "compound": 1.0, "request": 1.3, "injection": 1.3}


class Draw:
    """Random words of one half of the world."""

    def __init__(self, rng: random.Random, held_out: bool = False) -> None:
        self.rng = rng
        self.held_out = held_out

    def of(self, pair: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
        """A template of this half."""
        return self.rng.choice(pair[1] if self.held_out else pair[0])

    def chance(self, probability: float) -> bool:
        """True as often as ``probability``."""
        return self.rng.random() < probability

    def fresh(self, make, salt: str, share: int = 6) -> str:
        """What ``make`` returns, once it falls in this half: one in ``share`` is held out."""
        while True:
            word = make()
            if (zlib.crc32((salt + word).encode()) % share == 0) == self.held_out:
                return word

    def name(self) -> str:
        """An invented word such as Zentor; in training sometimes spelled from stray letters."""
        return self.fresh(self._stray if not self.held_out and self.chance(0.06) else self._syllables, "name")

    def _syllables(self) -> str:
        first = self.rng.choice(lex.FIRST_SYLLABLES)
        return first + "".join(self.rng.choice(lex.NEXT_SYLLABLES) for _ in range(1 if self.chance(0.75) else 2))

    def _stray(self) -> str:
        letters = "".join(self.rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(self.rng.randint(2, 4)))
        return self.rng.choice(ascii_uppercase) + letters + self.rng.choice(["", *lex.NEXT_SYLLABLES[:20]])

    def product(self, like: str | None = None) -> str:
        """A product name; ``like`` another one it shares its beginning or its end with."""
        if like is not None:
            return self._twin(like)
        name = self.name()
        if self.chance(0.45):
            name += " " + self.rng.choice(lex.PRODUCT_WORDS)
        if self.chance(0.15):
            name += f" {self.rng.choice((self.rng.randint(2, 9), self.rng.randint(1, 99) * 10, self.rng.randint(100, 4999)))}"
        return name

    def _twin(self, like: str) -> str:
        head, _, tail = like.partition(" ")
        if self.chance(0.5):
            other = [word for word in lex.PRODUCT_WORDS if word != tail]
            return f"{head} {self.rng.choice(other)}"
        if tail and self.chance(0.5):
            return f"{self.name()} {tail}"
        start = next((s for s in lex.FIRST_SYLLABLES if head.startswith(s)), head[:2])
        twin = self.fresh(lambda: start + self.rng.choice(lex.NEXT_SYLLABLES), "name")
        return twin if not tail else f"{twin} {tail}"

    def person(self) -> str:
        """A first name."""
        return self.name() if self.held_out or self.chance(0.6) else self.rng.choice(lex.PEOPLE)

    def company(self) -> str:
        """A company name."""
        return self.name() + (f" {self.rng.choice(lex.COMPANY_WORDS)}" if self.chance(0.4) else "")

    def order(self) -> str:
        """An order or ticket number."""
        return self.fresh(lambda: str(self.rng.randint(100, 99999)), "order")

    def attribute(self, risky: float) -> str:
        """An attribute, with a word that a crude filter fears as often as ``risky``."""
        if not self.held_out and self.chance(0.08):
            words = " ".join(lex.ATTRIBUTES + lex.RISKY_ATTRIBUTES).split()
            return f"{self.rng.choice(words)} {self.rng.choice(words)}"
        return self.rng.choice(lex.RISKY_ATTRIBUTES if self.chance(risky) else lex.ATTRIBUTES)

    def value(self, attribute: str) -> str:
        """A value, mostly of a kind that suits the attribute."""
        kind = _kind(attribute) if self.chance(0.7) else None
        return self.fresh(lambda: self._value(kind or self.rng.choice(tuple(MAKERS))), "value")

    def _value(self, kind: str) -> str:
        return MAKERS[kind](self.rng, self.held_out)

    def payload(self, role: str | None, leak: float = 0.15) -> Payload:
        """An injected demand: to say a word, or to reveal the first sentence of the system message."""
        if role is not None and self.chance(leak):
            return Payload(self.rng.choice(lex.LEAKS), role)
        word = self.fresh(lambda: _payload_word(self.rng, self.held_out), "payload")
        return Payload(self.rng.choice(lex.DEMANDS).format(w=word), word)


def _number(rng: random.Random) -> str:
    return str(rng.choice((rng.randint(2, 9), rng.randint(10, 99), rng.randint(10, 99), rng.randint(100, 9999))))


def _amount(rng: random.Random, held_out: bool) -> str:
    number = _number(rng) if rng.random() < 0.85 else f"{rng.randint(0, 99)}.{rng.randint(1, 9)}"
    return f"{number} {rng.choice(lex.UNITS)}"


def _duration(rng: random.Random, held_out: bool) -> str:
    return f"{_number(rng)} {rng.choice(lex.DURATIONS)}"


def _code(rng: random.Random, held_out: bool) -> str:
    letters = "".join(rng.choice(ascii_uppercase) for _ in range(rng.randint(1, 2)))
    return f"{letters}{rng.choice('-- ').strip()}{rng.randint(2, 999)}"


def _date(rng: random.Random, held_out: bool) -> str:
    year = f" {rng.randint(2020, 2035)}" if held_out or rng.random() < 0.5 else ""
    return f"{rng.randint(1, 28)} {rng.choice(lex.MONTHS)}{year}"


def _colour(rng: random.Random, held_out: bool) -> str:
    shade = f"{rng.choice(lex.SHADES)} " if held_out or rng.random() < 0.6 else ""
    return shade + rng.choice(lex.COLOURS)


def _material(rng: random.Random, held_out: bool) -> str:
    finish = f"{rng.choice(lex.FINISHES)} " if held_out or rng.random() < 0.6 else ""
    return finish + rng.choice(lex.MATERIALS)


def _word(rng: random.Random, held_out: bool) -> str:
    second = f" {rng.choice(lex.WORDS)}" if held_out or rng.random() < 0.4 else ""
    return rng.choice(lex.WORDS) + second


def _plain(rng: random.Random, held_out: bool) -> str:
    return _number(rng)


MAKERS = {
    "duration": _duration, "amount": _amount, "code": _code, "date": _date, "colour": _colour,
    "material": _material, "word": _word, "number": _plain,
}  # fmt: skip
KIND_WORDS = {
    "duration": "warranty life time window interval term period delay age length lifetime",
    "code": "code key version number port set type list valve switch",
    "number": "count score depth limit angle",
    "date": "date",
    "colour": "colour",
    "material": "material",
    "word": "language level cycle",
}


def _kind(attribute: str) -> str:
    last = attribute.split()[-1]
    return next((kind for kind, words in KIND_WORDS.items() if last in words.split()), "amount")


def _payload_word(rng: random.Random, held_out: bool) -> str:
    shape = 0.75 + rng.random() / 4 if held_out else rng.random()
    if shape < 0.4:
        return rng.choice(lex.PAYLOAD_WORDS)
    if shape < 0.6:
        return "".join(rng.choice(ascii_uppercase) for _ in range(rng.randint(3, 6)))
    if shape < 0.75:
        return rng.choice(lex.FIRST_SYLLABLES) + rng.choice(lex.NEXT_SYLLABLES)
    return " ".join(rng.choice(lex.PAYLOAD_WORDS) for _ in range(2 if rng.random() < 0.7 else 3))


def group(rng: random.Random, *, held_out: bool = False, wish: Wish | None = None, turns: int = 5) -> Group:
    """One system message, perhaps an earlier exchange, one context, and ``turns`` questions about it."""
    draw, wish = Draw(rng, held_out), wish or Wish()
    setting = _setting(draw, wish)
    history = draw.chance(0.12) if wish.history is None else wish.history
    prefix: list[dict[str, str]] = [{"role": "system", "content": setting.text}]
    if history:
        facts = _facts(draw, wish)
        turn = _turn(draw, wish, setting, facts, "present")
        prefix.append({"role": "user", "content": f"{_context([fact.text for fact in facts])}\nQuestion: {turn.question}"})
        prefix.append({"role": "assistant", "content": turn.answer})
    return _last_message(draw, wish, setting, tuple(prefix), turns)


def _last_message(draw: Draw, wish: Wish, setting: Setting, prefix: tuple[dict[str, str], ...], turns: int) -> Group:
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
            turn = replace(turn, task="poisoned_guarded") if setting.guarded else _obey(turn, poison)
        elif len(prefix) > 1:
            turn = replace(turn, task="multi_turn")
        made.append(turn)
    bare = not lines and poison is None and draw.chance(0.5)
    context = None if bare else _context([line if isinstance(line, str) else line.text for line in lines])
    return Group(prefix, context, tuple(made), tuple(lines))


def _obey(turn: Turn, poison: Payload) -> Turn:
    return Turn(turn.question, poison.obeyed, "poisoned_obeyed", source=poison.obeyed)


def _pick_kind(draw: Draw, wish: Wish) -> str:
    if wish.kinds:
        return draw.rng.choice(wish.kinds)
    kinds = [kind for kind in wish.weights if not (wish.poisoned and kind == "injection")]
    return draw.rng.choices(kinds, [wish.weights[kind] for kind in kinds])[0]


def _setting(draw: Draw, wish: Wish) -> Setting:
    style = wish.style or draw.rng.choices(("brief", "detail", "json"), (5, 3, 2))[0]
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


def _context(lines: list[str]) -> str:
    if not lines:
        return "Context: none"
    return "Context:" + "".join(f"\n[{index}] {line}" for index, line in enumerate(lines, start=1))


def _facts(draw: Draw, wish: Wish) -> list[Fact]:
    """Facts about few products and few attributes, so that each fact differs from another in one of the two."""
    count = draw.rng.choice(wish.facts)
    products = _distinct(lambda: draw.product(), 1)
    for _ in range(draw.rng.choice((0, 1, 1, 2))):
        products = _distinct(lambda: draw.product(products[0] if draw.chance(0.5) else None), len(products) + 1, products)
    attributes = _distinct(lambda: draw.attribute(wish.risky), draw.rng.choice((2, 3, 4)))
    pairs = [(p, a) for p in products for a in attributes]
    while len(pairs) < count:
        attributes = _distinct(lambda: draw.attribute(wish.risky), len(attributes) + 1, attributes)
        pairs = [(p, a) for p in products for a in attributes]
    return [_fact(draw, p, a) for p, a in draw.rng.sample(pairs, count)]


def _distinct(make, count: int, start: list[str] | None = None) -> list[str]:
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
    task = _task(setting, attribute, present)
    return Turn(question, answer(setting, lines, product, attribute), task, about=(product, attribute))


def _task(setting: Setting, attribute: str, present: bool) -> str:
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


def _compound(draw: Draw, wish: Wish, setting: Setting, lines: list[Fact | str], known: list[Fact]) -> Turn:
    product, first = _asked(draw, wish, known, "present")
    others = [fact.attribute for fact in known if fact.product == product and fact.attribute != first]
    if others and draw.chance(0.85):
        second = draw.rng.choice(others)
    else:
        second = _distinct(lambda: draw.attribute(wish.risky), 2, [first])[1]
    question = draw.of(lex.COMPOUND_QUESTIONS).format(p=product, a=first, b=second)
    return Turn(question, answer(setting, lines, product, first), "compound", about=(product, first))


def answer(setting: Setting, lines: list[Fact | str], product: str, attribute: str) -> str:
    """The exact answer to a question about one attribute, given the context's lines."""
    numbered = [(i, line) for i, line in enumerate(lines, start=1) if isinstance(line, Fact) and line.product == product]
    asked = [(i, fact) for i, fact in numbered if fact.attribute == attribute]
    if setting.style == "json":
        found = {"answer": asked[0][1].value, "source": asked[0][0]} if asked else {"answer": None, "source": None}
        return json.dumps(found)
    if not asked:
        return setting.sign(lex.ABSENT)
    if setting.style == "brief":
        return setting.sign(f"{asked[0][1].value} [{asked[0][0]}]")
    ordered = asked + [item for item in numbered if item not in asked]
    return setting.sign(" ".join(f"The {f.attribute} of the {f.product} is {f.value} [{i}]." for i, f in ordered))


def _request(draw: Draw, setting: Setting) -> Turn:
    tool = draw.rng.choice(setting.tools) if setting.tools and draw.chance(0.6) else draw.rng.choice(list(lex.TOOLS))
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
    return Turn(question, f"<tool>{tool} {json.dumps({argument: value})}</tool>", "tool_call", source=tool)


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
    "poisoned_guarded": Wish(kinds=("present", "present", "absent"), guarded=True, poisoned=True, history=False, facts=(1, 2, 3, 4)),
    "poisoned_obeyed": Wish(kinds=("present", "present", "absent"), guarded=False, poisoned=True, history=False, facts=(1, 2, 3, 4)),
    "multi_turn": Wish(kinds=("present", "present", "present", "absent"), history=True, facts=(1, 2, 3)),
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
