"""Judges CI files of any origin, by the rules that other linters lack."""
