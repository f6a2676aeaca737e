"""Small browser components of our own; each is a Python wrapper beside its script and style."""
