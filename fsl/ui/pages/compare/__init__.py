"""The Compare page, a part per file."""
