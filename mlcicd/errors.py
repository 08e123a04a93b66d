"""Every failure a user can meet, and the exit codes, which are an API.

| code | meaning | class |
|---|---|---|
| 0 | done | |
| 1 | the answer is no: stale files, failed gate, invalid data, failed training | `Refused` |
| 2 | wrong usage or configuration | `UsageError` |
| 3 | something outside failed: network, token, a missing program, remote data | `OutsideError` |
| 130, 143 | stopped by Ctrl-C, by a signal | |

A message says the place, the cause and the next step, in that order. Code raises; only `cli` prints.
"""

from __future__ import annotations


class MlcicdError(Exception):
    """A failure that is explained to the user in words, never by a traceback.

    Args:
        message: place and cause, one line.
        hint: the next step, one line or a few; empty when the message already says it.
        detail: what to show below, as it is (a diff, the last lines of a log).
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class Refused(MlcicdError):
    """The answer is no."""

    exit_code = 1


class UsageError(MlcicdError):
    """The command line, the configuration or the repository is not what the command needs."""

    exit_code = 2


class OutsideError(MlcicdError):
    """A program, a network or a service that mlcicd depends on failed."""

    exit_code = 3
