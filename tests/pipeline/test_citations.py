"""What a citation quotes goes out as well, and under the same rules as the answer."""

from __future__ import annotations

from tests.pipeline.desks import desk

from gatekeeper.ports import Chunk

CHUNKS = (Chunk("contacts.md#1", "The mail address of Ada is ada@northwind.example."),)


async def test_personal_data_is_taken_out_of_citations_too():
    made = desk(says=["See [1]."], chunks=CHUNKS, policy={"pii": {"kinds": ["email"]}})
    for task_class in (None, "lookup"):
        served = await made.ask("mail address of Ada", task_class=task_class)
        (citation,) = served.response.citations
        assert citation.text == "The mail address of Ada is [email]."
        assert "ada@" not in served.response.model_dump_json()


async def test_a_citation_without_personal_data_is_quoted_as_it_stands():
    made = desk(says=["See [1]."], chunks=CHUNKS)
    served = await made.ask("mail address of Ada")
    assert served.response.citations[0].text == CHUNKS[0].text
