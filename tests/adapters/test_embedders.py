"""Embeddings from a real endpoint that answers as endpoints do."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from endpoints import Endpoint, replies, streams
from gatekeeper.adapters.embedders import endpoint as embedders
from gatekeeper.adapters.hosts import is_local
from gatekeeper.core.scoring import likeness
from gatekeeper.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER = json.dumps({"data": [{"index": 0, "embedding": [0.5] * 2000}]}).encode()


@asynccontextmanager
async def embedding(endpoint: Endpoint) -> AsyncIterator[embedders.EndpointEmbedder]:
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    setting = likeness.Endpoint(url=f"http://127.0.0.1:{port}/v1", model="small")
    embedder = embedders.open_endpoint(setting)
    try:
        yield embedder
    finally:
        await embedder.close()
        server.close()
        for task in endpoint.serving:
            task.cancel()
        await asyncio.gather(*endpoint.serving)


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end():
    pieces = [ANSWER[:100], ANSWER[100:5000], ANSWER[5000:]]
    async with embedding(Endpoint(streams(*pieces, pause=0.01))) as embedder:
        assert await embedder.embed(["a"]) == [[0.5] * 2000]


async def test_an_endpoint_that_asks_for_peace_is_asked_again_when_it_says():
    busy = replies("no", 429, Retry_After_Ms="30")
    endpoint = Endpoint(busy, replies(ANSWER))
    async with embedding(endpoint) as embedder:
        began = asyncio.get_running_loop().time()
        await embedder.embed(["a"])
        assert asyncio.get_running_loop().time() - began >= 0.03
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (replies("gone", 404), "answers with status 404"),
        (replies("elsewhere", 307, Location="http://127.0.0.1:9/"), "answers with status 307"),
        (replies(b"<html>"), "does not answer with embeddings"),
        (replies(b" " * 2000), "the response is too long"),
    ],
)
async def test_what_no_second_try_would_mend_is_said_at_once(turn, said, monkeypatch):
    monkeypatch.setattr(embedders, "MOST", 1000)
    endpoint = Endpoint(turn)
    async with embedding(endpoint) as embedder:
        with pytest.raises(EngineError, match=said):
            await embedder.embed(["a"])
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]/v1", True),
        ("http://localhost", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("nothing", False),
    ],
)
def test_only_a_loopback_address_or_localhost_is_this_machine(url, local):
    assert is_local(url) is local
