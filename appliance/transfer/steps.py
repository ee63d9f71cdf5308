"""What a person can do about each error of a remote: one table for all faces."""

from __future__ import annotations

from shlex import quote

from appliance.errors import (
    Adopting,
    ClockWrong,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteDamaged,
    RemoteError,
    RemoteForeign,
    RemoteFull,
    RemoteReadOnly,
    RemoteRefused,
    RemoteStalled,
    RemoteTaken,
    SignInNeeded,
)
from appliance.remotes.drive_reasons import BY_ITSELF, FIRST_SIGN_IN, SIGN_IN

_STEPS: dict[type[RemoteError], str] = {
    RemoteAway: "it goes on by itself once it can be reached; `pyarchive sync` tries now",
    RemoteBusy: "it goes on by itself at the time that the remote has set, or soon",
    DailyLimit: "it goes on by itself when the remote's next window opens, within a day",
    ClockWrong: "it goes on by itself once the clock is right; connect the network, or set the clock (timedatectl)",
    RemoteStalled: "it is tried again by itself; look at the network or the disk if this stays",
    RemoteTaken: "it is stored under another id by itself",
    RemoteDamaged: "it is tried again by itself; `pyarchive verify --remote` looks at everything there",
    RemoteFull: "once there is room (its trash may count too), `pyarchive sync` tries now; or activate another connection",
    RemoteReadOnly: "make it writable for the appliance, then `pyarchive connection validate {name}`",
    RemoteForeign: "connect the right one, or run `pyarchive recover {name}` if this appliance is to own it; then "
    "`pyarchive connection validate {name}`",
    RemoteRefused: "grant what is missing, then `pyarchive connection validate {name}`; or activate another connection",
    SignInNeeded: "sign in: `pyarchive connection sign-in {name}`",
    Adopting: "run `pyarchive recover {name}`, or `pyarchive connection claim {name} --confirm {name}` if nothing there is to come back",
}
_USUAL = f"{BY_ITSELF}; `pyarchive sync` tries now"


def cause(error: RemoteError) -> str:
    """What it says, without the general step at its end that ``next_step`` says better."""
    return str(error).removesuffix(f"; {BY_ITSELF}").removesuffix(f"; {SIGN_IN}").removesuffix(f"; {FIRST_SIGN_IN}")


def next_step(error: RemoteError, connection_name: str) -> str:
    """In words, for the connection of that name; that of the nearest kind of error that has one."""
    step = next((_STEPS[kind] for kind in type(error).__mro__ if kind in _STEPS), _USUAL)
    return step.format(name=quote(connection_name))


def needs_you(error: RemoteError) -> bool:
    """It does not pass by itself."""
    return isinstance(error, RemoteFull | RemoteReadOnly | RemoteForeign | RemoteRefused | SignInNeeded | Adopting)
