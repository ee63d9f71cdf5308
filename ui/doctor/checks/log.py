"""The log of the last day, counted. What it says is not shown here: names of files are nobody's business."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, skipped
from ui.words import clean, count

_MOST_SOURCES = 5


def log(case: Case) -> Iterator[Finding]:
    lines = case.told.lines
    if lines is None:
        yield _of_journal(case)
        return
    errors = [line for line in lines if line["level"] == "error"]
    warnings = len(lines) - len(errors)
    more = ", and more" if case.told.more_lines else ""
    if errors:
        where = ", ".join(
            f"{number} {clean(source)}" for source, number in Counter(line["source"] for line in errors).most_common(_MOST_SOURCES)
        )
        yield look("log", f"{count(len(errors), 'error')} in the log of the last day ({where}), {count(warnings, 'warning')}{more}",
                   "pyarchive log --level error --since 1d")  # fmt: skip
    else:
        yield good("log", f"no errors in the log of the last day, {count(warnings, 'warning')}{more}")


def _of_journal(case: Case) -> Finding:
    """Where the appliance cannot be asked."""
    command = "journalctl -u pyarchive-appliance -n 100"
    if not case.place.installed:
        return skipped("log", f"the appliance cannot be asked for its log; its last words: {clean(case.place.data / 'appliance.log')}")
    ran = case.machine.run("journalctl", "--unit=pyarchive-appliance", "--since=-1d", "--output=cat", "--lines=5000", "--quiet")
    if ran is None or ran.status != 0:
        return skipped("log", f"the appliance cannot be asked for its log, and the journal does not answer; try: sudo {command}")
    errors = sum("error" in line.lower() for line in ran.out.splitlines())
    return look(
        "log",
        f"the appliance cannot be asked for its log; the journal has {count(errors, 'line')} of the last day with the word error",
        command,
    )
