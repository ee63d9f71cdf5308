"""What the command says when it cannot do what it was asked."""

from __future__ import annotations


class Failed(Exception):
    """Exit status 1. The text is the one line for stderr: why, and what to do next. ``code`` is the appliance's, where it said one."""

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code


class Silent(Failed):
    """Broker or appliance gave no answer in time; what became of the request is unknown."""


class WrongUsage(Exception):
    """Exit status 2. The text says which argument, and what would be right."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP: unwind like Ctrl-C does."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
