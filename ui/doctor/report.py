"""What the checks have found, for people and for programs. All of it passes the redaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ui import output
from ui.doctor.examining import Check
from ui.doctor.finding import Finding, Level
from ui.doctor.redaction import Redaction
from ui.words import clean, count

_MARKS = {Level.GOOD: ("good", "green"), Level.LOOK: ("look", "yellow"), Level.MEND: ("MEND", "red"), Level.SKIPPED: ("-   ", "dim")}
Found = Sequence[tuple[Check, Sequence[Finding]]]


def redacted(found: Found, hide: Redaction) -> list[tuple[Check, list[Finding]]]:
    return [
        (check, [replace(each, text=clean(hide(each.text)), next_step=clean(hide(each.next_step))) for each in findings])
        for check, findings in found
    ]


def counts(found: Found) -> Counter[Level]:
    return Counter(each.level for _, findings in found for each in findings)


def say(head: str, found: Found) -> None:
    """A line a finding, below the heading of its group; the next step where there is one; a summary."""
    output.say(output.paint(head, "bold"))
    group = ""
    for check, findings in found:
        if check.group != group and findings:
            group = check.group
            output.say()
            output.say(output.paint(group, "bold"))
        for each in findings:
            _line(each)
    output.say()
    output.say(summary(counts(found)))


def _line(finding: Finding) -> None:
    word, colour = _MARKS[finding.level]
    output.say(f"  {output.paint(word, colour)}  {finding.text}")
    if finding.next_step:
        output.say(f"        next: {finding.next_step}")


def summary(by_level: Counter[Level]) -> str:
    mend, look = by_level[Level.MEND], by_level[Level.LOOK]
    begin = f"{count(mend, 'thing')} to mend" if mend else "Nothing to mend"
    return f"{begin}, {look} to look at; {by_level[Level.GOOD]} good, {by_level[Level.SKIPPED]} not looked at."


def document(head: dict[str, Any], found: Found) -> dict[str, Any]:
    """For ``--json``: ``head`` and ``findings``, each with its group, name, level, text and next step."""
    by_level = counts(found)
    findings = [
        {"group": check.group, "name": each.name, "level": str(each.level), "text": each.text, "next_step": each.next_step or None}
        for check, found_by_it in found
        for each in found_by_it
    ]
    return {**head, **{str(level): by_level[level] for level in Level}, "findings": findings}
