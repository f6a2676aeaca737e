"""Folders, zips and class names that come from outside."""
