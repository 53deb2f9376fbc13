"""What of an eval set a release has seen; the index against a search that cannot be wrong."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.contamination import contaminated, sentences
from gatekeeper.core.phrases import GRAM, PhraseIndex, words
from gatekeeper.model.components import Example, Prompt
from gatekeeper.model.evalset import Expectation, Sample

LONG = "Which of the two support desks of Northwind has to be called first when a parcel is lost?"
SHORT = "Which desk has to be called when a parcel is lost?"
DOCUMENTS = {
    "faq.md": f"Q: {SHORT.upper()}\n\nA: The one in the town of Fenmer.",
    "other.md": "The warranty of the Zentor Prime is 24 months. Parcels are lost now and then.",
}


class Asked(list):
    header = SimpleNamespace(name="quality")


def found(*samples, prompt=None, documents=DOCUMENTS):
    prompt = prompt or Prompt(template="{{ input }}")
    release = SimpleNamespace(components=SimpleNamespace(prompt=prompt))
    return contaminated(release, documents, [Asked(samples)])


def sample(text, name="s1", **expect):
    return Sample(id=name, input=text, expect=Expectation(**expect))


def test_a_question_that_a_document_holds_whole_is_found_with_its_answer():
    (one,) = found(
        sample("which desk has to be called when\n a parcel is lost", contains=("Fenmer",))
    )
    assert (one.set, one.sample, one.where) == ("quality", "s1", "faq.md")
    assert (one.words, one.share, one.answer) == (11, 1.0, True)


def test_the_fact_that_is_asked_for_is_no_contamination():
    question = "What is the admin port for the Stagon Max 4?"
    fact = {"a.md": "We list the admin port for the Stagon Max 4 as 117."}
    assert found(sample(question, contains=("117",)), documents=fact) == ()


def test_an_answer_alone_is_no_contamination():
    assert found(sample("How long may I send the Zentor back?", exact="24 months")) == ()


def test_a_run_of_thirteen_words_of_a_longer_question_is_found_and_one_of_twelve_is_not():
    held = words(LONG)
    for count, expected in ((13, 1), (12, 0)):
        for start in range(6):
            document = "Before that. " + " ".join(held[start : start + count]) + " and after it."
            assert len(found(sample(LONG), documents={"a.md": document})) == expected


@pytest.mark.parametrize(("count", "expected"), [(11, 1), (10, 1), (9, 0)])
def test_a_shorter_question_has_to_be_there_as_good_as_whole(count, expected):
    document = "x " + " ".join(words(SHORT)[:count]) + " y"
    assert len(found(sample(SHORT), documents={"a.md": document})) == expected


def test_a_question_of_few_words_has_to_be_an_example_of_the_prompt():
    prompt = Prompt(
        template="{{ input }}",
        system=f"Nobody asks: {LONG}",
        few_shot=(Example(user="How heavy?", assistant="3 kg"),),
    )
    few, long = found(sample("how HEAVY"), sample(LONG, "s2"), prompt=prompt)
    assert (few.where, long.where) == ("few-shot example 1", "system prompt")
    assert found(sample("How heavy?"), documents={"a.md": "How heavy? 3 kg."}) == ()


def test_sentences_name_a_few_samples_of_each_place():
    samples = [sample(SHORT, f"s{n}", contains=("Fenmer",)) for n in range(8)]
    (told,) = sentences(found(*samples))
    assert told == (
        "quality: 8 samples found in faq.md (at least 100% of the question, 8 with the answer "
        "beside it): s0, s1, s2, s3, s4 and 3 more"
    )


def test_a_phrase_of_every_document_is_not_followed_to_all_of_them():
    documents = {f"{n}.md": "please read all of this before you ask anything" for n in range(2000)}
    (one,) = found(sample("Please read all of this before you ask anything!"), documents=documents)
    assert one.share == 1


WORD = st.sampled_from(["a", "b", "c"])
TEXT = st.lists(WORD, max_size=40).map(" ".join)


@given(
    st.lists(TEXT, min_size=1, max_size=4),
    st.lists(WORD, min_size=1, max_size=30),
    st.integers(GRAM, 9),
)
def test_the_index_finds_the_longest_run_that_any_text_shares(texts, asked, least):
    index = PhraseIndex(texts)
    runs = list(index.stretches(index.numbered(asked), least))
    for run in runs:
        shared = asked[run.start : run.end]
        assert f" {' '.join(shared)} " in f" {texts[run.text]} "
        assert len(shared) == run.length >= least
    longest = max((len(part) for part in _parts(asked) if _in_one(part, texts)), default=0)
    assert max((run.length for run in runs), default=0) == (longest if longest >= least else 0)


def _parts(asked):
    return [asked[a:b] for a in range(len(asked)) for b in range(a + 1, len(asked) + 1)]


def _in_one(part, texts):
    return any(f" {' '.join(part)} " in f" {text} " for text in texts)


@given(st.text(max_size=60))
def test_case_spacing_and_punctuation_do_not_matter(text):
    assert words(f"  {text} !") == words(text)
    assert words(text.casefold()) == words(text) or not text.isascii()
