"""The pages, one package each. None imports another."""
