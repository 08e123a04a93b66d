"""What executes and judges generated pipelines: tools, executors, a fake forge, linters. See each module."""
