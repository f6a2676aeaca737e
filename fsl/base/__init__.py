"""The ground floor: errors, files, locks, memory, progress, text and types."""
