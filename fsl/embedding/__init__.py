"""Maps of image embeddings: coordinates, their quality, neighbours and files."""
