"""The file format: its model, its loader, and the pages derived from it."""
