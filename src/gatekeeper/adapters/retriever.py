"""BM25 over the chunks of a snapshot, in memory, by tantivy.

Words are lower-cased, folded to ASCII and stemmed as English, and English stop words are left out:
questions are full of them, and without that the longest question wins. Text in other languages is
found by its whole words. Ranking statistics are shared by all tenants; results are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.chunking import chunk
from gatekeeper.ports import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import tantivy

    from gatekeeper.model.components import Retrieval

ANALYZER: Final = "english"
HEAP_BYTES: Final = 64_000_000
MOST_TERMS: Final = 256
"""Distinct words of a query that are looked for."""
MARGIN: Final = 16
"""Hits beyond `top_k` that are fetched, so that equal scores at the edge are ordered by source."""
PUBLIC: Final = ""
ASKING: Final = (
    "i you he she we they me my your his her our do does did have has had can could would should"
    " may might must shall what which who whom whose how when where why its please"
)
"""Words of asking. Documents seldom hold them, so BM25 would think them telling."""


class NoRetriever:
    """Finds nothing: the release has no snapshot."""

    def search(self, query: str, *, top_k: int, tenant: str | None) -> Sequence[Chunk]:  # noqa: ARG002
        """Nothing."""
        return ()


class BM25Retriever:
    """An index over chunks; what a tenant may see is part of the query."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        import tantivy

        self._chunks = sorted(chunks, key=lambda chunk: chunk.source)
        self._analyzer = _analyzer()
        self._schema = _schema()
        index = tantivy.Index(self._schema)
        index.register_tokenizer(ANALYZER, self._analyzer)
        writer = index.writer(HEAP_BYTES, 1)
        for number, item in enumerate(self._chunks):
            writer.add_document(
                tantivy.Document(text=item.text, tenant=item.tenant or PUBLIC, number=number)
            )
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def search(self, query: str, *, top_k: int, tenant: str | None) -> Sequence[Chunk]:
        """At most `top_k` chunks that `tenant` may see, best first, ties by source."""
        terms = list(dict.fromkeys(self._analyzer.analyze(query)))[:MOST_TERMS]
        if not terms or not top_k or not self._chunks:
            return ()
        wanted = self._query(terms, tenant)
        hits = self._searcher.search(wanted, top_k + MARGIN, count=False).hits
        found = [(score, self._number(address)) for score, address in hits]
        best = sorted(found, key=lambda hit: (-hit[0], hit[1]))[:top_k]
        return tuple(_scored(self._chunks[number], score) for score, number in best)

    def _query(self, terms: Sequence[str], tenant: str | None) -> tantivy.Query:
        from tantivy import Occur, Query

        def any_of(field: str, values: Sequence[str]) -> tantivy.Query:
            """A query for documents in whose `field` one of the values stands."""
            queries = [Query.term_query(self._schema, field, value) for value in values]
            return Query.boolean_query([(Occur.Should, query) for query in queries])

        visible = any_of("tenant", sorted({PUBLIC, tenant or PUBLIC}))
        allowed = Query.const_score_query(visible, 0.0)
        return Query.boolean_query([(Occur.Must, any_of("text", terms)), (Occur.Must, allowed)])

    def _number(self, address: tantivy.DocAddress) -> int:
        number: int = self._searcher.doc(address)["number"][0]
        return number


def open_retriever(
    retrieval: Retrieval,
    read: Callable[[str], bytes],
    count: Callable[[str], int],
    *,
    isolated: bool,
) -> BM25Retriever | NoRetriever:
    """The retriever of a release.

    Args:
        retrieval: Its retrieval component.
        read: The content of a snapshot's document by path.
        count: Tokens of a text, as the model counts them.
        isolated: Whether a tenant's documents are for that tenant only.
    """
    if retrieval.strategy == "none":
        return NoRetriever()
    documents = {document.path: document.tenant for document in retrieval.documents}
    texts = {path: read(path).decode() for path in documents}
    return BM25Retriever(
        [
            Chunk(f"{path}#{number}", text, documents[path] if isolated else None)
            for path, whole in texts.items()
            for number, text in enumerate(chunk(whole, retrieval.chunking, count), 1)
        ]
    )


def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("tenant", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("number", stored=True)
    return builder.build()


def _analyzer() -> tantivy.TextAnalyzer:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for step in (
        Filter.lowercase(),
        Filter.ascii_fold(),
        Filter.stopword("english"),
        Filter.custom_stopword(ASKING.split()),
        Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()


def _scored(item: Chunk, score: float) -> Chunk:
    return Chunk(item.source, item.text, item.tenant, score)
