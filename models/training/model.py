"""A small Llama in plain PyTorch, with the weight names and the rotary layout of Hugging Face."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; ``head`` is 32 because vLLM's CPU attention supports that size."""

    vocab: int
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    head: int = 32
    inner: int = 256
    theta: float = 10000.0
    positions: int = 512

    def config(self, bos: int, eos: int, pad: int) -> dict[str, object]:
        """The Hugging Face ``config.json``."""
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False, "mlp_bias": False,
            "hidden_size": self.hidden, "intermediate_size": self.inner, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.heads, "head_dim": self.head,
            "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": self.theta, "initializer_range": 0.02,
            "max_position_embeddings": self.positions, "vocab_size": self.vocab, "tie_word_embeddings": True,
            "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad, "torch_dtype": "float32", "use_cache": True,
        }  # fmt: skip

    asdict = asdict


class Attention(nn.Module):
    """Multi-head attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, width = shape, shape.heads * shape.head
        self.q_proj = nn.Linear(shape.hidden, width, bias=False)
        self.k_proj = nn.Linear(shape.hidden, width, bias=False)
        self.v_proj = nn.Linear(shape.hidden, width, bias=False)
        self.o_proj = nn.Linear(width, shape.hidden, bias=False)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        weight = torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight))
        split = F.linear(x, weight).view(batch, length, 3, self.shape.heads, self.shape.head)
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
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One transformer block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden, eps=1e-6)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden, eps=1e-6)
        self.mlp = Mlp(shape)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
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
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                scale = 0.25 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(weight, std=1.0 if "embed" in name else scale * 0.5 / weight.size(1) ** 0.5)
        nn.init.constant_(self.norm.weight, 0.08)  # tied embeddings of unit size: this keeps the first logits small
        frequency = shape.theta ** (-torch.arange(0, shape.head, 2) / shape.head)
        angle = torch.outer(torch.arange(shape.positions).float(), frequency).repeat(1, 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Logits at the flat positions ``rows``; ``mask`` is additive, batch x 1 x length x length."""
        cos, sin = self.cos[positions].unsqueeze(1), self.sin[positions].unsqueeze(1)
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, mask, cos, sin)
        return F.linear(self.norm(x.view(-1, self.shape.hidden)[rows]), self.embed_tokens.weight)
