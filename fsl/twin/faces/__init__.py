"""Faces: find them in any photo, and turn each upright to where the face network expects it."""
