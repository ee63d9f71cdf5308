"""All checks side by side, each within a bounded time: what hangs is said, and held up by nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ui.doctor.case import Case
from ui.doctor.finding import Finding, look, skipped
from ui.doctor.machine import NoAnswer, Unseen

Look = Callable[[Case], Iterable[Finding]]
LONGEST_S = 25.0


@dataclass(frozen=True, slots=True)
class Check:
    """``group``: the heading under which it stands."""

    group: str
    name: str
    look: Look


@dataclass(slots=True)
class _Running:
    check: Check
    found: list[Finding] = field(default_factory=list)
    thread: threading.Thread | None = None

    def run(self, case: Case) -> None:
        name = self.check.name
        try:
            for finding in self.check.look(case):
                self.found.append(finding)
        except Unseen as unseen:
            self.found.append(skipped(name, f"{unseen} may not be read by you; root sees more: sudo pyarchive doctor"))
        except NoAnswer as hung:
            self.found.append(look(name, f"the program {hung} gave no answer in time", "try again; if it stays so, restart the computer"))
        except Exception as error:  # noqa: BLE001 - one check that fails must not take the others with it
            self.found.append(look(name, f"this check failed itself ({type(error).__name__})", "please report it, with the version"))


def examine(case: Case, checks: Sequence[Check], longest_s: float = LONGEST_S) -> list[tuple[Check, list[Finding]]]:
    """In the order of ``checks``; within ``longest_s``, whatever hangs in the system."""
    case.ask()
    running = [_Running(check) for check in checks]
    for each in running:
        each.thread = threading.Thread(target=each.run, args=(case,), name=each.check.name, daemon=True)
        each.thread.start()
    ends_s = time.monotonic() + longest_s
    return [(each.check, _result(each, ends_s)) for each in running]


def _result(running: _Running, ends_s: float) -> list[Finding]:
    assert running.thread is not None
    running.thread.join(max(0.0, ends_s - time.monotonic()))
    found = running.found.copy()
    if running.thread.is_alive():
        found.append(
            look(running.check.name, "gave no answer in time: what it looks at hangs", "try again; if it stays so, restart the computer")
        )
    return found
