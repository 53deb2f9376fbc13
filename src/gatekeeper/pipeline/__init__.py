"""One request through one release."""
