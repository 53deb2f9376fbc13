"""BM25 over real indexes: ranking, ties, tenants, and text that looks like query syntax."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.adapters.retriever import BM25Retriever, NoRetriever, open_retriever
from gatekeeper.model.components import Chunking, Document, Retrieval
from gatekeeper.ports import Chunk

WARRANTY = Chunk("a.md#1", "The warranty of the Zentor Prime is 24 months.")
COLOUR = Chunk("a.md#2", "The colour of the Zentor Prime is red.")
OTHER = Chunk("b.md#1", "The warranty of the Velar Duo is 12 months.")
SECRET = Chunk("tenants/acme/t.md#1", "The warranty of the Zentor Prime is 99 years.", "acme")
ALL = (SECRET, OTHER, COLOUR, WARRANTY)


def sources(found):
    return [chunk.source for chunk in found]


def test_the_chunk_that_answers_comes_first():
    retriever = BM25Retriever(ALL)
    question = "What is the warranty of the Zentor Prime?"
    found = retriever.search(question, top_k=3, tenant=None)
    assert sources(found)[0] == "a.md#1"
    assert [chunk.score for chunk in found] == sorted((c.score for c in found), reverse=True)
    assert found[0].text == WARRANTY.text


def test_words_are_stemmed_folded_and_freed_of_stop_words():
    retriever = BM25Retriever((*ALL, Chunk("c.md#1", "Caf\u00e9 openings")))
    assert sources(retriever.search("WARRANTIES", top_k=1, tenant=None)) == ["a.md#1"]
    assert sources(retriever.search("cafe opened", top_k=1, tenant=None)) == ["c.md#1"]
    assert retriever.search("what is the of", top_k=3, tenant=None) == ()


def test_ties_are_ordered_by_source():
    chunks = [Chunk(f"d{number:02d}.md#1", "same words") for number in range(30)]
    found = BM25Retriever(chunks[::-1]).search("same", top_k=4, tenant=None)
    assert sources(found) == ["d00.md#1", "d01.md#1", "d02.md#1", "d03.md#1"]


@pytest.mark.parametrize(
    "query",
    [
        "text:* OR tenant:acme",
        'tenant:"acme" years',
        "* AND (",
        "years^99 +acme -x",
        "\x00",
        "a" * 9999,
    ],
)
def test_query_syntax_is_only_words(query):
    found = BM25Retriever(ALL).search(query, top_k=9, tenant="globex")
    assert SECRET.source not in sources(found)


def test_nothing_to_find():
    assert NoRetriever().search("x", top_k=3, tenant=None) == ()
    assert BM25Retriever(()).search("warranty", top_k=3, tenant=None) == ()
    assert BM25Retriever(ALL).search("warranty", top_k=0, tenant=None) == ()


WORDS = st.sampled_from(["warranty", "zentor", "red", "blue", "months"])
TENANTS = st.sampled_from([None, "acme", "globex", "Acme", "a", ""])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=4), TENANTS), max_size=12),
    st.lists(WORDS, min_size=1, max_size=3),
    TENANTS,
)
def test_a_tenant_sees_what_is_public_and_its_own_and_nothing_else(documents, query, tenant):
    chunks = [
        Chunk(f"d{number:02d}#1", " ".join(words), owner)
        for number, (words, owner) in enumerate(documents)
    ]
    found = BM25Retriever(chunks).search(" ".join(query), top_k=20, tenant=tenant)
    visible = {
        chunk.source
        for chunk in chunks
        if (not chunk.tenant or chunk.tenant == tenant) and set(chunk.text.split()) & set(query)
    }
    assert set(sources(found)) == visible


def document(path, tenant=None):
    return Document(path=path, size=1, sha256="0" * 64, tenant=tenant)


def retrieval(**fields):
    return Retrieval(
        documents=(document("a.md"), document("tenants/acme/t.md", "acme")),
        chunking=Chunking(by="line"),
        **fields,
    )


@pytest.mark.parametrize(
    ("isolated", "expected"), [(True, ["a.md#2"]), (False, ["a.md#2", "tenants/acme/t.md#1"])]
)
def test_documents_become_numbered_chunks(isolated, expected):
    texts = {"a.md": b"# Head\none\ntwo\n", "tenants/acme/t.md": b"two\n"}
    retriever = open_retriever(retrieval(), texts.__getitem__, len, isolated=isolated)
    assert sources(retriever.search("two", top_k=5, tenant="globex")) == expected


def test_a_release_without_retrieval_reads_nothing():
    nothing = Retrieval(strategy="none", top_k=0)
    assert isinstance(open_retriever(nothing, {}.__getitem__, len, isolated=True), NoRetriever)
