"""What is said of an archive, in a household's words. Pure."""

from __future__ import annotations

from typing import Any

from ui.panel.parts.actions import sentence_of
from ui.words import count, percent, size

_SAFE = frozenset({"remote", "proven"})
_MOST_TOLD = 5


def is_safe(archive: dict[str, Any]) -> bool:
    return archive["rung"] in _SAFE


def is_coming_back(archive: dict[str, Any]) -> bool:
    return bool(archive["wanted_local"]) and not archive["local"]


def is_under_way(archive: dict[str, Any]) -> bool:
    """Something of it is still to be moved, up or down."""
    return not archive["removed_at"] and (is_coming_back(archive) or (archive["local"] and not is_safe(archive)))


def whole_copies(archive: dict[str, Any]) -> list[str]:
    """Names of the connections that have all of it."""
    return [one["connection_name"] for one in archive["placements"] if one["rung"] in _SAFE]


def where(archive: dict[str, Any]) -> str:
    """``Here and on Google Drive``."""
    remote = _together(whole_copies(archive))
    if archive["local"]:
        return f"Here and on {remote}" if remote else "On this appliance"
    return f"Only on {remote}" if remote else "Not here"


def _together(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} remotes" if names else ""


def has_begun(archive: dict[str, Any]) -> bool:
    """Something of what is under way has been moved."""
    return is_coming_back(archive) or bool(archive["batches_stored"])


def movement(archive: dict[str, Any]) -> str:
    """How far it is, of what is under way; empty before the beginning."""
    done = percent(archive["progress_ratio"])
    return f"{done} has come back" if is_coming_back(archive) else f"{done} is on a remote" if has_begun(archive) else ""


def waits(archive: dict[str, Any]) -> str:
    reason = archive["waiting_for"]
    return f"{reason[:1].upper()}{reason[1:]}" if reason else ""


def freed(archive: dict[str, Any]) -> str:
    """What came of a release."""
    return f"{size(archive['size_bytes'])} are free here again. The file is safe on {_together(whole_copies(archive)) or 'a remote'}."


# What came of a check


def checked(result: dict[str, Any]) -> tuple[bool, str, list[str]]:
    """Whether all is well, a sentence, and more of them. ``result`` is a CheckResult."""
    is_well = not result["damage_left"] and not result["unknown"]
    found = [_finding(one) for one in result["findings"]]
    return is_well, _verdict(result), _first([*found, *map(sentence_of, result["unknown"])])


def _first(lines: list[str]) -> list[str]:
    hidden = len(lines) - _MOST_TOLD
    return [*lines[:_MOST_TOLD], f"And {hidden} more."] if hidden > 0 else lines


def _verdict(result: dict[str, Any]) -> str:
    found, left = result["batches_damaged"], result["damage_left"]
    if left:
        return f"Damage was found, and {count(left, 'batch')} {'is' if left == 1 else 'are'} not right yet."
    if found:
        return f"{count(found, 'batch')} {'was' if found == 1 else 'were'} damaged and mended; now all is well."
    seen = count(result["batches_checked"], "batch")
    return f"{seen} checked, and all is well." if not result["unknown"] else f"{seen} checked, but not everything could be asked."


def _finding(finding: dict[str, Any]) -> str:
    what = "The archive" if finding["batch_index"] is None else f"Batch {finding['batch_index']}"
    place = "here" if finding["where"] == "local" else "on the remote"
    return f"{what} {place}: {finding['what']}{', mended' if finding['repaired'] else ''}."


# What came of an act on many

_DONE = {
    "release": "Freed the space of {} here.", "restore": "{} on the way back.", "pin": "{} kept here always.",
    "unpin": "{} no longer kept here always.", "remove": "Moved {} to the trash.", "undo": "Took {} back.",
}  # fmt: skip


def done_many(result: dict[str, Any]) -> tuple[str, list[str]]:
    """A sentence on what was done, and one for each refusal. ``result`` is a ManyResult."""
    refused = result["not_done"]
    done = _DONE[result["act"]].format(count(result["done"], "archive")) if result["done"] else "Nothing was done."
    left = f" {count(len(refused), 'archive')} stayed as {'it is' if len(refused) == 1 else 'they are'}." if refused else ""
    return done + left, _first([_refusal(one["title"] or one["archive"], one["error"]["message"]) for one in refused])


def _refusal(title: str, why: str) -> str:
    """Most of the appliance's words name the archive already."""
    return sentence_of(why) if title in why else f"{title}: {sentence_of(why)}"
