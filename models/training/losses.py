"""What training minimises: cross entropy of the answers, and of attention against the looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from rows import Purpose
from torch.nn import functional

if TYPE_CHECKING:
    from batches import Batch

    import model as network

# The (layer, head) pairs that are supervised: layer 1 tells facts apart, layer 3 chooses, 4 copies.
HEADS = {
    Purpose.ATTRIBUTE: ((1, 0), (1, 2)),
    Purpose.PRODUCT: ((1, 1), (1, 3)),
    Purpose.SOURCE: ((3, 0), (3, 1), (3, 2)),
    Purpose.COPY: ((4, 0), (4, 1), (4, 2)),
    Purpose.NEXT: ((3, 3),),
}
TINY = 1e-4  # added to attention before its logarithm


def answer_logits(model: network.Llama, batch: Batch, multiple: int = 1) -> torch.Tensor:
    """Logits for every target; computed for a ``multiple`` of rows, for few distinct shapes."""
    count = len(batch.rows)
    rows = torch.from_numpy(batch.rows)
    rows = functional.pad(rows, (0, -count % multiple))
    mask = _mask(torch.from_numpy(batch.branch))
    mask = mask.bfloat16() if torch.is_autocast_enabled("cpu") else mask
    positions = torch.from_numpy(batch.positions)
    return model(torch.from_numpy(batch.ids), positions, mask, rows).float()[:count]


def _mask(branch: torch.Tensor) -> torch.Tensor:
    """Additive mask: a token sees earlier tokens of the prefix and of its own branch."""
    length = branch.size(1)
    same = (branch[:, :, None] == branch[:, None, :]) | (branch[:, None, :] == 0)
    seen = same & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(seen.shape).masked_fill_(~seen, -1e9).unsqueeze(1)


def answer_loss(model: network.Llama, batch: Batch) -> torch.Tensor:
    """Mean cross entropy of the tokens of the answers."""
    logits = answer_logits(model, batch, multiple=512)
    return functional.cross_entropy(logits, torch.from_numpy(batch.targets))


def look_losses(model: network.Llama, batch: Batch) -> torch.Tensor:
    """For each purpose, the mean cross entropy of the attention that the last call paid.

    Summed over the purpose's heads; the aim is to attend evenly to the tokens of the look.
    """
    losses = torch.zeros(len(Purpose))
    for purpose, (owners, queries, wanted) in batch.looks.items():
        for layer, head in HEADS[purpose] if len(owners) else ():
            weights = model.layers[layer].self_attn.weights
            paid = weights[torch.from_numpy(owners), head, torch.from_numpy(queries)].float()
            loss = -(torch.log(paid + TINY) * torch.from_numpy(wanted)).sum(-1).mean()
            losses[purpose] = losses[purpose] + loss
    return losses
