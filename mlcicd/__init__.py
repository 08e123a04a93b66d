"""mlcicd gives a machine-learning repository a trustworthy CI/CD."""

__version__ = "0.1.0"
