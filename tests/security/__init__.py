"""Attacks on what mlcicd writes, prints and passes on."""
