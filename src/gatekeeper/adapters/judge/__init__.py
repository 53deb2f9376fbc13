"""What scorers call on: judge models and embedders, every call of a model in the record."""

from gatekeeper.adapters.judge.bench import JudgeModel, ScorersBench

__all__ = ["JudgeModel", "ScorersBench"]
