"""The HTTP service around the pipeline."""
