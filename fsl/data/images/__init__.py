"""From the bytes of one image to pixels."""
