"""Muon (Jordan 2024): momentum, orthogonalised by Newton-Schulz steps; stacked by shape."""

from __future__ import annotations

from collections import defaultdict

import torch


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest semi-orthogonal matrices of a stack, roughly; quintic Newton-Schulz iteration."""
    x = (matrix / (matrix.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    tall = x.size(-2) > x.size(-1)
    x = x.mT if tall else x
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Momentum with orthogonal updates for the matrices inside the layers."""

    def __init__(
        self, matrices: list[torch.Tensor], rate: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        stacks: dict[torch.Size, list[torch.Tensor]] = defaultdict(list)
        for matrix in matrices:
            stacks[matrix.shape].append(matrix)
        self.stacks = list(stacks.values())
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.velocity = [torch.zeros(len(stack), *stack[0].shape) for stack in self.stacks]

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """One update with the rate times ``scale``; gradients are consumed."""
        for stack, velocity in zip(self.stacks, self.velocity, strict=True):
            gradient = torch.stack([matrix.grad for matrix in stack])
            velocity.mul_(self.momentum).add_(gradient)
            update = orthogonal(gradient + self.momentum * velocity)
            rate = self.rate * scale * max(1.0, update.size(-2) / update.size(-1)) ** 0.5
            for matrix, change in zip(stack, update, strict=True):
                matrix.mul_(1 - rate * self.decay).sub_(change, alpha=rate)
                matrix.grad = None
