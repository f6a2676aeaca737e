"""Maps of many images by what the twin network sees: coordinates, their quality, neighbours, files."""
