"""What is at risk, what is damaged, and how fresh the checks are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import age, count, parsed, size

_DAY_S = 86_400


def safety(case: Case) -> Iterator[Finding]:
    state = case.told.state
    if not state:
        yield skipped("at risk", "what is at risk is not known: the appliance cannot be asked")
        return
    old = "" if case.told.online else ", as it said last"
    counts = state["counts"]
    if counts["lost"]:
        yield mend(
            "lost",
            f"{count(counts['lost'], 'archive')} lost a batch that has no good copy{old}",
            "pyarchive verify --remote --read-back --repair; then the panel says which",
        )
    if counts["damaged"]:
        yield mend("damaged", f"{count(counts['damaged'], 'archive')} damaged; a good copy exists{old}", "pyarchive verify --repair")
    risk, by = state["bytes_at_risk"], state["protected_by_at"]
    if not risk:
        yield good(
            "at risk", f"nothing is on this computer only ({count(counts['archives'], 'archive')}, {counts['proven']} of them proven){old}"
        )
    elif state["active_connection"] is None:
        yield look("at risk", f"{size(risk)} are on this computer only, and no remote is active{old}", "pyarchive connection list")
    else:
        yield look(
            "at risk",
            f"{size(risk)} are on this computer only; protected {age(by) if by else 'at an unknown time'}{old}",
            "pyarchive watch",
        )
    if state["paused"]:
        yield look("paused", "transfers are paused: nothing is carried away until somebody resumes them", "pyarchive resume")


def freshness(case: Case) -> Iterator[Finding]:
    """Against the periods that are set; twice the period is late, as the appliance has it too."""
    told = case.told
    if not told.online:
        yield skipped("checks", "how old the last checks are is not known while the appliance is not online")
        return
    state = told.state
    if not state["counts"]["archives"]:
        yield good("checks", "there is nothing to check yet")
        return
    yield _fresh(told.setting("scrub_days"), state["last_scrub_at"], "local copies were read", "pyarchive verify --local")
    yield _fresh(told.setting("listing_days"), state["last_listing_at"], "remotes were looked through", "pyarchive verify --remote")
    yield _proof(told.setting("drill_mib_per_day"), state)


def _fresh(days: Any, at: str | None, what: str, command: str) -> Finding:
    if days == 0:
        return look("checks", f"{what} {age(at)}; it does not happen by itself, for its period is set to 0", command)
    if at is None:
        return good("checks", f"not all {what} yet; it happens by itself")
    late = days is not None and (datetime.now(UTC) - parsed(at)).total_seconds() > 2 * days * _DAY_S
    text = f"{what} {age(at)}"
    return look("checks", f"{text}, which is late", command) if late else good("checks", text)


def _proof(budget: Any, state: dict[str, Any]) -> Finding:
    command = "pyarchive verify --read-back --budget 1GB"
    if budget == 0:
        return look("proof", "nothing is read back from remotes by itself, for drill_mib_per_day is 0", command)
    if state["oldest_proof_at"]:
        return good("proof", f"everything was read back from a remote, the longest ago {age(state['oldest_proof_at'])}")
    how_many = f"{state['counts']['proven']} of {count(state['counts']['archives'], 'archive')} were read back"
    last = f", the last time {age(state['last_proof_at'])}" if state["last_proof_at"] else ""
    return good("proof", f"{how_many}; it happens by itself{last}")
