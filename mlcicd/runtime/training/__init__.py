"""What surrounds the training command: parameters, seeds, progress, cost, results."""
