"""Archives go from one owner to another: in ledger and catalog, and with the next manifest on the remotes."""

from __future__ import annotations

from typing import Any

from appliance import clock
from appliance.accounts.household import Household
from appliance.errors import BadRequest, NotFound
from appliance.names import checked_owner

_AT_ONCE_S = 5.0


def give(household: Household, from_owner: str, to_owner: str) -> dict[str, Any]:
    """How many were given, and how many are left after a few seconds; safe to repeat, and to be cut off. Raises BadRequest, NotFound.

    The ledger is written first, then the catalog; that makes the manifest due, which carries the owner on the remotes.
    """
    checked_owner(from_owner)
    if from_owner == to_owner:
        raise BadRequest(f"{from_owner} has them already; name somebody else")
    if household.users.get(to_owner) is None and to_owner != household.settings.current.default_owner:
        raise NotFound(f"there is no user {to_owner[:64]!r} to give them to; `pyarchive user list` shows all")
    household.db.table("uploads").update({"owner": to_owner}, doc_ids=household.holdings.uploads(from_owner))
    return _give_archives(household, from_owner, to_owner)


def _give_archives(household: Household, from_owner: str, to_owner: str) -> dict[str, Any]:
    until_s = clock.monotonic_s() + _AT_ONCE_S
    waiting, given = household.holdings.archives(from_owner), 0
    for archive_id in waiting:
        if clock.monotonic_s() > until_s:
            break
        if archive_id in household.library.views:  # its undo time may have ended meanwhile
            household.library.give(archive_id, to_owner)
        given += 1
    return {"archives": given, "left": len(waiting) - given}
