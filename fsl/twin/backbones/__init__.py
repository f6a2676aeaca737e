"""The CNNs that both twins share: images ``(B, 3, S, S)`` to embeddings ``(B, D)``."""
