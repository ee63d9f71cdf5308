"""Who asks, and what for. MQTT does not tell who published, so the topic does: the broker binds its login to it.

The panel asks for a person: with the token of the session that user/login answered. Here is the one place that decides what
a member may ask for, and that whatever is somebody else's is answered as if it were not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from appliance.errors import Conflict, DiskFull, NotFound, SignedOut, Unauthorised
from appliance.library import Library
from mqtt.script_answers import RunFacts
from mqtt.user_answers import Role
from mqtt.verb import Access, Verb

SESSION, RUN_ID = "session", "run_id"
"""The parameters that carry the token of a session and a script's run, beside the verb's own."""
_SETTINGS_OF_PEOPLE = frozenset({"registration"})
_OF_ADMINS = ("path", "account", "folder_id", "client_id", "sign_in_message", "last_error", "free_bytes", "limit_bytes", "used_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """``user``: whose session it is; None for `cli`, which is an admin, and for whoever is not signed in.

    ``for_nobody``: the panel asks for itself, without any session. ``run``: a script asks, an admin's, whose run that is.
    """

    login: str
    user: str | None = None
    role: Role | None = None
    session_id: str | None = None
    for_nobody: bool = False
    run: RunFacts | None = None

    @property
    def name(self) -> str:
        """As it stands in records: the user's, or the login where that is no person."""
        return self.user or self.login

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    def sees(self, owner: str | None) -> bool:
        """May this caller know of what belongs to that owner?"""
        return self.is_admin or (self.user is not None and owner == self.user)


def caller_of(
    login: str, parameters: dict[str, Any], signed_in: Callable[[str, str], Caller | None], running: Callable[[str], RunFacts | None]
) -> Caller:
    """Who that is; token or run are taken out of ``parameters``. ``signed_in(login, token)`` knows the sessions, ``running(id)`` the runs.

    Raises Unauthorised for a login that may ask for nothing, whatever the verb: it learns nothing.
    """
    match login:
        case "cli":  # its password is readable by root and by who administers
            return Caller(login=login, role=Role.ADMIN)
        case "panel":
            if SESSION not in parameters:
                return Caller(login=login, for_nobody=True)
            token = parameters.pop(SESSION)
            return (signed_in(login, token) if isinstance(token, str) else None) or Caller(login=login)
        case "scripts":
            run_id = parameters.pop(RUN_ID, None)
            run = running(run_id) if isinstance(run_id, str) else None
            if run is None:
                raise Unauthorised("a script asks with the id of a run that runs now, and this is none; use `pyarchive` instead")
            return Caller(login=login, role=Role.ADMIN, run=run)
    raise Unauthorised("this login may not ask for anything; ask as `cli`, with the login in DATA/client.toml")


def check(caller: Caller, access: Access) -> None:
    """Returns where this caller may ask for a verb of that access. Raises SignedOut, Unauthorised."""
    if access is Access.ANYONE or caller.is_admin or (access is Access.HANDED_IN and caller.for_nobody):
        return
    if caller.role is None:
        raise SignedOut("nobody is signed in, or the session has ended; sign in")
    if access is Access.ADMIN:
        raise Unauthorised("only an admin may do that; ask one of this appliance's admins")


def check_script(caller: Caller, shape: type[Verb]) -> None:
    """Returns where a script may ask for that verb at all. Raises Unauthorised."""
    if caller.run is not None and not shape.for_scripts:
        raise Unauthorised(f"a script may not ask for {shape.verb}; an admin does that, in the panel or with `pyarchive`")


def check_script_changes(caller: Caller, asked: Verb) -> None:
    """Returns where a script may ask just that. Decided by our own record of its run. Raises Unauthorised."""
    if caller.run is None:
        return
    if asked.changes() and caller.run.permission != "change":
        raise Unauthorised(f"{asked.verb} changes something, and this script may only look; save it with the permission to change things")
    if asked.verb == "settings/set" and getattr(asked, "name", "") in _SETTINGS_OF_PEOPLE:
        raise Unauthorised("this setting says who may have an account; an admin changes it, in the panel or with `pyarchive`")


def own(asked: Verb, caller: Caller, library: Library) -> Verb:
    """The same request with the archive's whole id, which the handler then finds. Raises NotFound, Conflict.

    Looked for among the caller's own only: a word that several archives' titles match tells nothing of those of others.
    """
    if caller.is_admin or caller.for_nobody:
        return asked
    if (archive := getattr(asked, "archive", None)) is not None:
        return asked.model_copy(update={"archive": find_own(archive, caller, library)})
    archive_id = getattr(asked, "archive_id", "")
    if not caller.sees(owner_of(archive_id, library)):
        raise nothing_announced(archive_id)
    return asked


def find_own(text: str, caller: Caller, library: Library) -> str:
    """The id of the caller's own archive that the text means, one that was not removed first. Raises NotFound, Conflict."""
    if caller.is_admin:
        return library.find(text)
    try:
        return library.find(text, removed=False, owner=caller.user)
    except (NotFound, Conflict):
        return library.find(text, removed=None, owner=caller.user)


def owner_of(archive_id: str, library: Library) -> str | None:
    """Of an archive, or of a file on its way in; None: there is neither."""
    view = library.views.get(archive_id)
    if view is not None:
        return view.archive.owner
    row = library.db.table("archives").get(doc_id=archive_id) or library.db.table("uploads").get(doc_id=archive_id)
    return str(row["owner"]) if row else None


def whose(named: str | None, caller: Caller) -> str | None:
    """Of what is asked about several archives, whose the caller gets to see; None: everybody's, "": nobody's."""
    if caller.is_admin:
        return named
    return caller.user or "" if named in {None, caller.user} else ""


def owner_for(named: str | None, caller: Caller) -> str | None:
    """Whose a new archive is: a person's own, where nobody else is named. Raises Unauthorised where a member names somebody else."""
    if not caller.is_admin and named not in {None, caller.user}:
        raise Unauthorised("you may hand in files for yourself only; leave the owner out")
    return named or caller.user


def shown_connection(state: Any, caller: Caller) -> Any:
    """A connection as a member may see it: how it is, without where it is, whose, and what its errors tell of others' files."""
    if caller.is_admin or state is None:
        return state
    return {**state, **dict.fromkeys(_OF_ADMINS), "adopting": state["adopting"] and "an admin has to decide what becomes of it"}


@contextlib.contextmanager
def shown_full(caller: Caller) -> Iterator[None]:
    """A member is told that there is no room, without the numbers: they tell how much others hand in."""
    try:
        yield
    except DiskFull:
        if caller.is_admin:
            raise
        raise DiskFull("there is not enough room on the appliance for this file; try again later, or ask an admin to make room") from None


def nothing_announced(upload_id: str) -> NotFound:
    """What is answered where there is no such file, and where it is somebody else's."""
    return NotFound(f"nothing was announced under {upload_id[:36]!r}, or it has expired; hand the file in again")
