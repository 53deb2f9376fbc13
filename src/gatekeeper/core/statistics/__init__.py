"""Estimates with their uncertainty. Every bound is one-sided at confidence 1 - alpha."""
