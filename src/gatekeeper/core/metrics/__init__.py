"""Every metric, written once: what it means, what it reads, and its SQL."""
