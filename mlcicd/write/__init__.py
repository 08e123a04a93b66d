"""Generated files and the disk: compared by bytes and by meaning, merged with edits, written whole or not at all.

`mark` is line 1 of a generated file, `state` is `mlcicd.lock`; `compare` says what would happen to each file, `merge`
keeps edits, `judge` is `--check`, `apply` writes, `words` says it all to a person.
"""
