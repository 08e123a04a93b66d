"""What jobs do. Every module works the same in CI, in the embedded engine and on a laptop."""
