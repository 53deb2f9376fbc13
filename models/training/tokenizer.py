"""The demonstration model's tokenizer: whole words where the world has them, bytes for all else.

A unigram model over a byte-level alphabet, so any text survives the round trip. Scores make the
segmentation take the fewest pieces: a word of the world is one, an invented name two or three.
"""

from __future__ import annotations

import re
from operator import itemgetter
from string import ascii_lowercase, ascii_uppercase

import lexicon as lex
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

SPECIALS = ("<pad>", "<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
PAD, BOS, END, SYSTEM, USER, ASSISTANT = range(len(SPECIALS))
# Citations, tool tags, words, pairs of digits, punctuation: no piece crosses these borders.
BORDERS = (
    r"\n?\[\d\]| ?\[\d\]|</?tool>|[ ]?[\p{L}_]+|[ ]?\d{1,2}|[ ]?[^\s\p{L}\d<\[]+|[ ]?[<\[]"
    r"|\s+(?!\S)|\s+"
)
# An answer begins with a space: the model generates it, an earlier answer is given one.
CHAT_TEMPLATE = (
    "<s>{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}{{ ' ' }}{% endif %}"
    "{{ message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _strings() -> list[str]:
    """Every fixed string of the world, placeholders removed."""
    tools = [*lex.TOOLS, *(text for _, _, phrases in lex.TOOLS.values() for text in phrases)]
    names = [name for name, _, _ in lex.TOOLS.values()]
    arguments = [f'<tool>{{"{name}": "x"}}</tool> {{"{name}": 1' for name in names]
    lists = [
        *lex.PRODUCT_WORDS, *lex.COMPANY_WORDS, *lex.ATTRIBUTES, *lex.RISKY_ATTRIBUTES,
        *lex.DURATIONS, *lex.UNITS, *lex.MONTHS, *lex.ROLES, *lex.SIGNATURES, *lex.GUARDS,
        *lex.TOOL_LISTS, *lex.ORDER_QUESTIONS, *lex.DEMANDS, *lex.LEAKS,
        *(text for style in lex.STYLES.values() for text in style), *tools, *arguments,
    ]  # fmt: skip
    halves = (
        *lex.FACTS, *lex.QUESTIONS, *lex.COMPOUND_QUESTIONS, *lex.REQUEST_FRAMES, *lex.OPENINGS,
        *lex.POISONS,
    )  # fmt: skip
    lists += [text for half in halves for text in half]
    fixed = (
        'Context: none Context:\nQuestion: {"answer": "x", "source": null} '
        '{"answer": null, "source": 1} 2. - '
    )
    answers = (lex.ABSENT, lex.REFUSAL, lex.UNAVAILABLE)
    return [*(re.sub(r"{\w}", "", text) for text in lists), *answers, fixed, ", . : ? 's an a"]


def _starts() -> list[str]:
    """Words that may open an answer, needed with and without a leading space."""
    values = [
        *lex.SHADES, *lex.COLOURS, *lex.FINISHES, *lex.MATERIALS, *lex.WORDS, *lex.PAYLOAD_WORDS,
        *lex.PEOPLE,
    ]  # fmt: skip
    roles = [text.split(maxsplit=1)[0] for text in lex.ROLES]
    numbers = [*map(str, range(10)), *(f"{n:02d}" for n in range(100))]
    phrases = [text for _, _, phrases in lex.TOOLS.values() for text in phrases]
    openers = [text[0].upper() + text[1:].split(maxsplit=1)[0] for text in phrases]
    demands = [text.split(maxsplit=1)[0].capitalize() for text in (*lex.DEMANDS, *lex.LEAKS)]
    return [
        *values, *roles, *lex.TOOLS, *lex.FIRST_SYLLABLES, *ascii_uppercase, *ascii_lowercase,
        *numbers, *openers, *demands, *lex.PRODUCT_WORDS,
    ]  # fmt: skip


def pieces() -> list[str]:
    """The vocabulary above single bytes, as plain text, in a fixed order."""
    cut = pre_tokenizers.Split(Regex(BORDERS), "isolated")
    words = [word for text in _strings() for word, _ in cut.pre_tokenize_str(text)]
    words += [" " + word for word in words if word.isalpha()]
    words += [form for word in _starts() for form in (word, " " + word)]
    words += list(lex.NEXT_SYLLABLES)
    words += [form.format(n) for n in range(1, 10) for form in ("\n[{}]", " [{}]", "[{}]")]
    return list(dict.fromkeys(words))


def build() -> Tokenizer:
    """The tokenizer, from the lexicon alone; the same on every machine."""
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    coded = [level.pre_tokenize_str(piece)[0][0] for piece in pieces()]
    long = [piece for piece in dict.fromkeys(coded) if len(piece) > 1]
    vocabulary = [(special, 0.0) for special in SPECIALS]
    vocabulary += [(byte, -10.0) for byte in alphabet]
    vocabulary += [(piece, -4.0 + 0.01 * len(piece) ** 2 / 10) for piece in long]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=None, byte_fallback=False))
    cut = pre_tokenizers.Split(Regex(BORDERS), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, level])
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(text, special=True, normalized=False) for text in SPECIALS]
    tokenizer.add_special_tokens(special)
    return tokenizer


def spaced_pairs(tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """Ids of pieces that differ only by a leading space: (without, with), in a fixed order."""
    vocabulary = tokenizer.get_vocab()  # in no order
    spaced = ((piece[1:], number) for piece, number in vocabulary.items() if piece[0] == "Ġ")
    return sorted(
        ((vocabulary[bare], number) for bare, number in spaced if bare in vocabulary),
        key=itemgetter(1),
    )
