"""The twin network: backbones, head, pair batches, losses, preprocessing and checkpoint files."""
