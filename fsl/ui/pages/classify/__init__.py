"""The Classify page, a part per file."""
