"""The appliance itself: is it there, is it the one that was meant, and is it as new as what was installed?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ui.doctor.case import Case
from ui.doctor.checks.broker import WRITE_ANEW
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.doctor.machine import Unseen
from ui.doctor.place import PROGRAM
from ui.words import age, clean

TRIAL_FILE = "upgrade-trial.json"
UPGRADER = "/var/lib/pyarchive-upgrade"


def online(case: Case) -> Iterator[Finding]:
    told = case.told
    if not told.connected:
        yield skipped("online", "what the appliance says is not known: it cannot be reached without the broker")
    elif not told.online:
        known = told.state.get("started_at")
        seen = f"it started {age(known)}, and is not there now" if known else "the broker knows nothing of it"
        yield mend("online", f"the appliance is not online: {seen}", _start(case))
    elif told.why_not:
        yield mend("online", f"the appliance is online, and gives no answers: {clean(told.why_not)}", _restart(case))
    else:
        status = str(told.state.get("status", "starting")).replace("_", " ")
        yield good(
            "online", f"the appliance is online ({status}) and answers, since {age(told.state.get('started_at')).removesuffix(' ago')}"
        )


def _start(case: Case) -> str:
    if case.place.installed:
        return "sudo systemctl start pyarchive-appliance; if it does not stay: journalctl -u pyarchive-appliance -n 50"
    return f"start it (`pyarchive demo`); its last words are at the end of {clean(case.place.data / 'appliance.log')}"


def _restart(case: Case) -> str:
    return "sudo systemctl restart pyarchive-appliance" if case.place.installed else "end the demo and start it again"


def versions(case: Case) -> Iterator[Finding]:
    """Of this command, of the running appliance and of its runner of scripts; and where the release lies."""
    ours, running = our_version(), case.told.state.get("version")
    if case.told.online and running != ours:
        yield mend("version", f"the appliance that runs is version {clean(running)}, this command is {ours}", _restart(case))
    else:
        yield good("version", f"version {ours}" + (", and the appliance runs it" if case.told.online else ""))
    runner = case.told.messages.get("runner/state")
    if isinstance(runner, dict):
        yield from _runner(case, runner, ours)
    if case.place.installed:
        yield from _release(case)


def _runner(case: Case, runner: dict[str, Any], ours: str) -> Iterator[Finding]:
    again = "sudo systemctl restart pyarchive-scripts" if case.place.installed else "end the demo and start it again"
    if not runner.get("online"):
        yield mend("runner", "the runner of scripts is not there: no script runs", again)
    elif runner.get("version") != ours:
        yield mend("runner", f"the runner of scripts is version {clean(runner.get('version'))}, this command is {ours}", again)
    else:
        yield good("runner", "the runner of scripts is there")


def _release(case: Case) -> Iterator[Finding]:
    current = case.machine.at(PROGRAM / "current")
    if not current.exists():
        yield mend("release", f"{PROGRAM}/current leads nowhere", "run `sudo ./install.sh` in the folder of PyArchive again")
    else:
        yield good("release", f"the release in use is {clean(current.resolve().name)}")


def our_version() -> str:
    try:
        return version("pyarchive-appliance")
    except PackageNotFoundError:
        return "unknown"


def identity(case: Case) -> Iterator[Finding]:
    """The id in the data folder, that which this command asks for, and that which answers are the same."""
    on_disk = case.machine.text(case.place.data / "appliance_id")
    asked = case.settings.appliance_id if case.settings else None
    said = case.told.state.get("appliance_id")
    if on_disk is None:
        yield look("id", f"{clean(case.place.data)} has no appliance id: no appliance was started there yet", _start(case))
    elif asked and asked != on_disk:
        yield mend("id", f"this command asks for the appliance {clean(asked)}, the data folder is that of {clean(on_disk)}",
                   WRITE_ANEW if case.place.installed else "unset PYARCHIVE_APPLIANCE_ID")  # fmt: skip
    elif said and said != on_disk:
        yield mend("id", f"{clean(said)} answers, the data folder is that of {clean(on_disk)}", _restart(case))
    else:
        yield good("id", f"the appliance is {clean(on_disk)}, in the data folder{' and in its answers' if said else ''}")


def upgrade(case: Case) -> Iterator[Finding]:
    """A trial that goes on for ever takes nothing in; one that an upgrader is at work on will end."""
    trial = case.machine.text(case.place.data / TRIAL_FILE) is not None
    journal = _of_upgrader(case, "journal.json")
    if journal:
        way = f"from {clean(journal.get('old'))} to {clean(journal.get('new'))}"
        yield look("upgrade", f"an upgrade {way} is under way: nothing is taken in until it is over", "wait some minutes, then look again")
    elif trial:
        text = f"an upgrade was begun and nobody is at work on it: nothing is taken in ({TRIAL_FILE})"
        yield mend("upgrade", text, "sudo reboot, which ends it or goes back; then look again")
    else:
        yield good("upgrade", "no upgrade is under way")
    last = _of_upgrader(case, "result.json")
    if last and not last.get("upgraded"):
        yield look(
            "last upgrade", f"the last upgrade went back: {clean(last.get('words'))}", "mend that, then again: sudo ./install.sh upgrade"
        )


def _of_upgrader(case: Case, name: str) -> dict[str, Any]:
    """What it keeps is for root alone; others are told what the data folder tells."""
    try:
        return _json(case.machine.text(f"{UPGRADER}/{name}")) if case.place.installed else {}
    except Unseen:
        return {}


def _json(text: str | None) -> dict[str, Any]:
    """Empty for what is none."""
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def store(case: Case) -> Iterator[Finding]:
    """The marker: a disk that is not mounted is an empty folder."""
    folder = case.place.data / "store"
    text = case.machine.text(folder / ".pyarchive")
    if text is None:
        there = case.machine.at(folder).is_dir()
        if there or case.told.online:
            yield mend(
                "store",
                f"{clean(folder)} has no marker: its disk is not mounted, or it is another one",
                "mount the disk of the store: sudo mount -a",
            )
        else:
            yield look(
                "store", f"{clean(folder)} is not there: no appliance was started yet, or its disk is away", "mount the disk: sudo mount -a"
            )
        return
    owner = _json(text).get("appliance_id")
    on_disk = case.machine.text(case.place.data / "appliance_id")
    if owner and on_disk and owner != on_disk:
        yield mend("store", f"the store is that of {clean(owner)}, not of {clean(on_disk)}", "mount the right disk")
    else:
        yield good("store", "the store is there, with its marker")


def problems(case: Case) -> Iterator[Finding]:
    """What the appliance says stands; of an archive its id alone, for its title is nobody's business."""
    if not case.told.online:
        yield skipped("problems", "what the appliance has to complain of is not known while it is not online")
        return
    for each in case.told.problems:
        text = f"{each['code']}, {clean(each['about'])}"
        if each.get("owner"):
            found = (f"{text} (an archive)", f"pyarchive show {clean(each['about'])}")
        else:
            found = (f"{text}: {clean(each['message'])}", clean(each["next_step"]))
        yield (mend if each["needs_you"] else look)(f"problem {each['code']}", *found)
    if not case.told.problems:
        yield good("problems", "the appliance has nothing to complain of")
