"""What ends an installation: a cause, and the next step for a person."""

from __future__ import annotations


class CannotGoOn(Exception):
    """The installation stops here. What was done stays and is found done by the next run."""

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(f"{cause} {next_step}")
        self.cause = cause
        self.next_step = next_step
