"""The Embeddings page: a map of pictures by what the twin network sees."""
