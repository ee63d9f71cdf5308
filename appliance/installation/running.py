"""Programs of the system, run as processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.installation.errors import CannotGoOn

_TELLING_LINES = 20


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended, and what it said (standard output and error)."""

    status: int
    output: str

    @property
    def last_lines(self) -> str:
        return "\n".join(self.output.strip().splitlines()[-_TELLING_LINES:])


class Programs:
    """Runs programs; a test hands in one that runs none."""

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None, given: str = "") -> Result:
        """Until its end. ``given`` is its standard input. A program that is missing ends with 127, as in a shell."""
        try:
            done = subprocess.run(  # noqa: S603 - commands of the installation, without a shell
                [str(each) for each in command],
                env={**os.environ, **(environment or {})}, cwd=cwd, input=given.encode(), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            return Result(127, f"{command[0]} is not there")
        return Result(done.returncode, done.stdout.decode(errors="replace"))

    def must(
        self, *command: str | Path, next_step: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None, given: str = ""
    ) -> str:
        """Its output. Raises CannotGoOn, with its last lines, where it fails."""
        result = self.run(*command, environment=environment, cwd=cwd, given=given)
        if result.status:
            raise CannotGoOn(f"{' '.join(map(str, command[:3]))} failed ({result.status}):\n{result.last_lines}\n", next_step)
        return result.output
