"""Types without I/O: what a person writes and what gatekeeper keeps."""
