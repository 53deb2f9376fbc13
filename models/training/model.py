"""A small Llama in plain PyTorch, with the weight names and the rotary layout of Hugging Face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

# Layers by what they learn to do, for their initialisation.
COPYING = (1, 3, 4)  # pass on what they attend to
MATCHING = (3,)  # attend to what is like the query


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; ``head`` is 32 because vLLM's CPU attention supports that size."""

    vocab: int
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    head: int = 32
    inner: int = 256
    theta: float = 1e6
    positions: int = 512

    def config(self, bos: int, eos: int, pad: int) -> dict[str, object]:
        """The Hugging Face ``config.json``."""
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama",
            "attention_bias": False, "mlp_bias": False, "hidden_act": "silu",
            "hidden_size": self.hidden, "intermediate_size": self.inner,
            "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads, "head_dim": self.head, "rms_norm_eps": 1e-6,
            "rope_theta": self.theta, "max_position_embeddings": self.positions,
            "vocab_size": self.vocab, "tie_word_embeddings": True, "initializer_range": 0.02,
            "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad,
            "torch_dtype": "float32", "use_cache": True,
        }  # fmt: skip


class Attention(nn.Module):
    """Multi-head attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, width = shape, shape.heads * shape.head
        self.q_proj = nn.Linear(shape.hidden, width, bias=False)
        self.k_proj = nn.Linear(shape.hidden, width, bias=False)
        self.v_proj = nn.Linear(shape.hidden, width, bias=False)
        self.o_proj = nn.Linear(width, shape.hidden, bias=False)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        """The layer's output; the attention that was paid stays in ``weights``."""
        batch, length, _ = x.shape
        weight = torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight))
        split = functional.linear(x, weight).view(
            batch, length, 3, self.shape.heads, self.shape.head
        )
        q, k, v = split.permute(2, 0, 3, 1, 4)
        # Twice as fast here as the fused kernel, whose backward pass is slow with a mask.
        scores = rotate(q, cos, sin) @ (rotate(k, cos, sin) * self.shape.head**-0.5).mT + mask
        self.weights = scores.softmax(-1)
        mixed = self.weights.to(v.dtype) @ v
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary embedding, halves convention."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Mlp(nn.Module):
    """Gated feed-forward layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """SwiGLU (Shazeer 2020)."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One transformer block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden, eps=1e-6)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden, eps=1e-6)
        self.mlp = Mlp(shape)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        """Attention, then the feed-forward layer, each added to its input."""
        x = x + self.self_attn(self.input_layernorm(x), mask, cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """The causal language model; embeddings are tied."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden, eps=1e-6)
        self._initialise()
        frequency = shape.theta ** (-torch.arange(0, shape.head, 2) / shape.head)
        angle = torch.outer(torch.arange(shape.positions).float(), frequency).repeat(1, 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=_deviation(name, weight.size(1)))
        for index in COPYING:
            pass_on(self.layers[index].self_attn)
        for index in MATCHING:
            match_alike(self.layers[index].self_attn)
        # Tied embeddings have unit size: this keeps the first logits small.
        nn.init.constant_(self.norm.weight, 0.08)

    @torch.no_grad()
    def pair_embeddings(self, pairs: list[tuple[int, int]]) -> None:
        """Let the second piece of each pair start as the first plus one common direction."""
        space, weight = torch.randn(self.shape.hidden), self.embed_tokens.weight
        for bare, spaced in pairs:
            own = torch.randn(self.shape.hidden)
            weight[spaced] = 0.8 * weight[bare] + 0.6 * space + own * 0.2

    def forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor
    ) -> torch.Tensor:
        """Logits at flat positions ``rows``; ``mask`` is additive, batch x 1 x length x length."""
        cos, sin = self.cos[positions].unsqueeze(1), self.sin[positions].unsqueeze(1)
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, mask, cos, sin)
        return functional.linear(
            self.norm(x.view(-1, self.shape.hidden)[rows]), self.embed_tokens.weight
        )


def _deviation(name: str, inputs: int) -> float:
    """Of the normal distribution that a matrix starts from."""
    if "embed" in name:
        return 1.0
    scale = 0.25 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
    return scale * 0.5 / inputs**0.5


@torch.no_grad()
def pass_on(attention: Attention) -> None:
    """Mimetic initialisation: output after value is the identity, so heads copy from the start.

    Trockman & Kolter (2023), "Mimetic Initialization of Self-Attention Layers".
    """
    nn.init.orthogonal_(attention.v_proj.weight)
    attention.o_proj.weight.copy_(attention.v_proj.weight.T)


@torch.no_grad()
def match_alike(attention: Attention) -> None:
    """Mimetic initialisation: queries are nearly keys, so tokens attend to what is like them.

    Trockman & Kolter (2023), "Mimetic Initialization of Self-Attention Layers".
    """
    query = attention.q_proj.weight
    nn.init.normal_(query, std=0.09)
    attention.k_proj.weight.copy_(query + 0.02 * torch.randn_like(query))
