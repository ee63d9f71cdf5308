"""The error tree of the appliance: a leaf is a cause.

Every error carries a ``code`` for programs, whether trying again may help (``retriable``), and in its text the
cause and the next step for a person. What a face shows is ``str(error)``.
"""

from __future__ import annotations


class ApplianceError(Exception):
    """Root of what the appliance raises on purpose. The text names the cause and the next step."""

    code = "failed"
    retriable = False


class BadRequest(ApplianceError):
    """What was asked cannot be understood or is out of range; nothing was changed."""

    code = "bad_request"


class Unauthorised(ApplianceError):
    """Who asks may not ask for that; nothing was changed."""

    code = "unauthorised"


class SignedOut(Unauthorised):
    """Nobody is signed in: the session has ended, or there never was one."""

    code = "signed_out"


class WrongLogin(ApplianceError):
    """The name, the password or the code is wrong; which of them is not told."""

    code = "wrong_login"


class TooManyTries(ApplianceError):
    """Too many wrong tries. The text says how long to wait."""

    code = "too_many_tries"
    retriable = True


class NotificationFailed(ApplianceError):
    """A service did not take a notification. The text says why."""

    code = "notification_failed"
    retriable = True


class NotFound(ApplianceError):
    """There is no archive, connection, job or setting of that name."""

    code = "not_found"


class Conflict(ApplianceError):
    """The thing exists, but is in a state in which this cannot be done."""

    code = "conflict"


class Refused(ApplianceError):
    """Doing it could lose data; nothing was changed."""

    code = "refused"


class NotLocal(Conflict):
    """The archive was released: its content has to be restored before it can be read."""

    code = "not_local"


class Upgrading(ApplianceError):
    """An upgrade is being tested: nothing is acknowledged and nothing changed until it is accepted. Passes by itself."""

    code = "upgrading"
    retriable = True

    def __init__(self) -> None:
        super().__init__("an upgrade is being tested, and until it is accepted nothing is changed; try again in a minute")


class DiskFull(ApplianceError):
    """The file would eat into the space that the appliance keeps free for itself, or the disk is full."""

    code = "disk_full"
    retriable = True


class StoreUnavailable(ApplianceError):
    """The store's disk is away, read-only or not ours (its marker is missing); nothing is written there."""

    code = "store_unavailable"
    retriable = True


class SourceChanged(ApplianceError):
    """A file changed or vanished while it was read."""

    code = "source_changed"


class Damaged(ApplianceError):
    """Bytes are not what their checksum says."""

    code = "damaged"


class LedgerDamaged(Damaged):
    """A ledger's records cannot be trusted before its end."""

    code = "ledger_damaged"


class CatalogDamaged(Damaged):
    """No generation of the catalog can be read."""

    code = "catalog_damaged"


class NewerFormat(ApplianceError):
    """The file was written by a newer version of the appliance. Upgrade; nothing was changed."""

    code = "newer_format"


class Stopped(ApplianceError):
    """The work was told to stop (shutdown, pause, removal of its archive); it goes on later where it was."""

    code = "stopped"
    retriable = True


class RemoteError(ApplianceError):
    """Root of what a remote raises. Not knowing is an error, never an answer: absence is returned, not raised."""

    code = "remote_error"


class RemoteAway(RemoteError):
    """The remote cannot be reached or did not answer; what is on it is unknown. Passes by itself."""

    code = "remote_away"
    retriable = True


class RemoteBusy(RemoteError):
    """The remote asks us to come back later."""

    code = "remote_busy"
    retriable = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DailyLimit(RemoteBusy):
    """The remote takes no more today. It goes on by itself when the next window opens (``retry_after_s``)."""

    code = "daily_limit"


class ClockWrong(RemoteError):
    """The remote's certificate or answer says that our clock is wrong. Passes by itself once the clock is set."""

    code = "clock_wrong"
    retriable = True


class RemoteStalled(RemoteError):
    """The remote does not answer, and does not say so either. It is tried again by itself."""

    code = "remote_stalled"
    retriable = True


class RemoteFull(RemoteError):
    """The remote has no room for the batch. Needs a person. ``free_bytes``: what is left there, where that is known."""

    code = "remote_full"

    def __init__(self, message: str, free_bytes: int | None = None) -> None:
        super().__init__(message)
        self.free_bytes = free_bytes


class SignInNeeded(RemoteError):
    """The remote does not know us any more: the sign-in expired or was revoked. Needs a person."""

    code = "sign_in_needed"


class RemoteRefused(RemoteError):
    """The remote knows us and says no: a permission is missing, or a policy forbids it. Needs a person."""

    code = "remote_refused"


class RemoteTaken(RemoteError):
    """Under this id stands an object with other bytes, and the remote replaces none: plan a new id for the batch."""

    code = "remote_taken"
    retriable = True


class Adopting(RemoteError):
    """The connection is in adopt mode: nothing on it is changed until an admin recovers or says otherwise."""

    code = "adopting"


class RemoteReadOnly(RemoteError):
    """The remote refuses to be written to. Needs a person."""

    code = "remote_read_only"


class RemoteForeign(RemoteError):
    """The remote carries another appliance's epoch, or is not the one that was connected. Needs a person."""

    code = "remote_foreign"


class RemoteDamaged(RemoteError, Damaged):
    """The remote stored or returned bytes that do not match their checksum."""

    code = "remote_damaged"
    retriable = True


class LocalDamaged(Damaged):
    """The local copy of a batch does not match its checksum, or is gone."""

    code = "local_damaged"
