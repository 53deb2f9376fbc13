"""Trackers of experiments. MLflow runs in a process of its own, which can be given up on."""
