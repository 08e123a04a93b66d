"""What is expected of the data, and the engines that judge it."""
