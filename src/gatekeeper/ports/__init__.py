"""The seats that adapters fill. Small, structural, and free of third-party names.

One module a concern; all are imported from here.
"""

from __future__ import annotations

from gatekeeper.ports.building import Content, FoundModel, ModelFiles, Sources
from gatekeeper.ports.generation import Embedder, Engine, Generation, Message, Tokenizer
from gatekeeper.ports.releases import Ledger, Releases, Signed, Signer, Verifier
from gatekeeper.ports.requests import Cache, Chunk, Clock, RecordStore, Retriever
from gatekeeper.ports.watching import Progress, Silent, Tracker, Watch

__all__ = [
    "Cache",
    "Chunk",
    "Clock",
    "Content",
    "Embedder",
    "Engine",
    "FoundModel",
    "Generation",
    "Ledger",
    "Message",
    "ModelFiles",
    "Progress",
    "RecordStore",
    "Releases",
    "Retriever",
    "Signed",
    "Signer",
    "Silent",
    "Sources",
    "Tokenizer",
    "Tracker",
    "Verifier",
    "Watch",
]
