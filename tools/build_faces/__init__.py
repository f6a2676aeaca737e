"""Build the ``faces`` checkpoint and the face detector from free weights."""
