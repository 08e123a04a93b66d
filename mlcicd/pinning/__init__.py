"""Keeps `tool.pins`: shows it, compares files with it, takes over what a bot, a forge or a registry knows newer."""
