"""Folders, zips and class names that users bring."""
