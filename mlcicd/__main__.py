"""`python -m mlcicd`, and the console script."""

from mlcicd.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
