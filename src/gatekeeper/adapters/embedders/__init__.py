"""What turns texts into vectors: one module an embedder."""
