"""The sign-ins that are under way: a person types a code at Google, and meanwhile we ask Google whether it is done (RFC 8628)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from appliance import clock
from appliance.errors import ApplianceError, BadRequest, RemoteBusy
from mqtt.view_answers import SignInState

if TYPE_CHECKING:
    from appliance.remotes.drive_credentials import Credentials
    from appliance.remotes.drive_device import Code, DeviceFlow

log = logging.getLogger("sign-in")

_TIMEOUT_S = 20.0
_SLOWER_S = 5.0  # RFC 8628, 3.5
_LONGEST_WAIT_S = 60.0
_AGAIN = "`pyarchive connection sign-in` begins anew"


@dataclass(slots=True)
class _Attempt:
    connection_id: str
    flow: DeviceFlow
    code: Code
    credentials: Credentials
    expires_at: datetime
    ends_at_s: float
    ended: threading.Event = field(default_factory=threading.Event)
    trouble: str | None = None
    failed: str | None = None

    @property
    def message(self) -> str:
        if self.failed:
            return self.failed
        trouble = f"; Google cannot be asked at the moment ({self.trouble}), which is tried again" if self.trouble else ""
        return f"open {self.code.verification_url} on any device and enter {self.code.user_code}{trouble}"


class SignIns:
    """One thread for each that is under way. Thread-safe.

    ``endpoint_root()`` stands in for Google (tests). ``granted(connection_id, credentials)`` keeps the new ones and opens the remote anew.
    ``changed(connection_id)`` is called whenever ``state`` has another answer.
    """

    def __init__(
        self, endpoint_root: Callable[[], str | None], granted: Callable[[str, Credentials], None], changed: Callable[[str], None]
    ) -> None:
        self._endpoint_root = endpoint_root
        self._granted = granted
        self._changed = changed
        self._lock = threading.Lock()
        self._attempts: dict[str, _Attempt] = {}
        self._threads: set[threading.Thread] = set()
        self._stopped = False

    def start(self, connection_id: str, credentials: Credentials) -> dict[str, Any]:
        """Ask Google for a code; one that is under way for this connection is given up.

        Answers ``{"user_code", "verification_url", "expires_at", "interval_s"}``. Raises BadRequest (credentials with which nobody can
        sign in, a client of another type), RemoteAway, RemoteBusy, RemoteRefused, ClockWrong; then what was under way goes on.
        """
        if not credentials.can_sign_in:
            raise BadRequest("a service account needs no sign-in; for a person's Drive, give an OAuth client with --credentials FILE")
        attempt = self._begun(connection_id, credentials)
        thread = threading.Thread(target=self._run, args=(attempt,), name=f"sign-in-{connection_id}", daemon=True)
        with self._lock:
            former = self._attempts.get(connection_id)
            if former is not None:
                former.ended.set()
            self._attempts[connection_id] = attempt
            if self._stopped:
                attempt.ended.set()
            self._threads.add(thread)
        thread.start()
        self._changed(connection_id)
        return {
            "user_code": attempt.code.user_code, "verification_url": attempt.code.verification_url,
            "expires_at": clock.iso(attempt.expires_at), "interval_s": attempt.code.interval_s,
        }  # fmt: skip

    def _begun(self, connection_id: str, credentials: Credentials) -> _Attempt:
        # Google's libraries take memory and time: they are imported where a connection needs them.
        from appliance.remotes.drive_device import DeviceFlow  # noqa: PLC0415 (as said above)
        from appliance.remotes.drive_web import Endpoints, Web  # noqa: PLC0415 (as said above)

        flow = DeviceFlow(Endpoints.of(self._endpoint_root()), Web(_TIMEOUT_S), credentials)
        code = flow.begin()
        expires_at = clock.now() + timedelta(seconds=code.expires_in_s)
        return _Attempt(connection_id, flow, code, credentials, expires_at, clock.monotonic_s() + code.expires_in_s)

    def state(self, connection_id: str) -> tuple[Literal["pending", "needed"], str] | None:
        """Pending with what to type where, or needed with why the last one failed; None: none was begun, or it went well."""
        with self._lock:
            attempt = self._attempts.get(connection_id)
        if attempt is None:
            return None
        return "needed" if attempt.failed else "pending", attempt.message

    def progress(self, connection_id: str) -> SignInState:
        """The same with its code, for who has to type it, or came back to the page."""
        with self._lock:
            attempt = self._attempts.get(connection_id)
        if attempt is None:
            return SignInState(state="none", message=None)
        if attempt.failed:
            return SignInState(state="failed", message=attempt.failed)
        code = attempt.code
        return SignInState(
            state="pending", message=attempt.message, user_code=code.user_code, verification_url=code.verification_url,
            expires_at=attempt.expires_at,
        )  # fmt: skip

    def forget(self, connection_id: str) -> None:
        """Other credentials were given, or the connection is gone: what was under way or failed means nothing any more."""
        with self._lock:
            attempt = self._attempts.pop(connection_id, None)
        if attempt is not None:
            attempt.ended.set()
            self._changed(connection_id)

    def forget_failure(self, connection_id: str) -> None:
        """The connection was found to work: that a sign-in failed once is no news any more. One that is under way goes on."""
        with self._lock:
            attempt = self._attempts.get(connection_id)
        if attempt is not None and attempt.failed:
            self.forget(connection_id)

    def stop(self, timeout_s: float) -> None:
        """Give up what is under way. Nothing is granted any more afterwards."""
        with self._lock:
            self._stopped = True
            threads = list(self._threads)
            for attempt in self._attempts.values():
                attempt.ended.set()
        deadline_s = clock.monotonic_s() + timeout_s
        for thread in threads:
            thread.join(max(0.0, deadline_s - clock.monotonic_s()))

    def _run(self, attempt: _Attempt) -> None:
        try:
            self._follow(attempt)
        except ApplianceError as error:
            self._fail(attempt, str(error))
        except Exception as error:
            log.exception("the sign-in of connection %s failed", attempt.connection_id)
            self._fail(attempt, f"internal error: {type(error).__name__}; see the log, then {_AGAIN}")
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _follow(self, attempt: _Attempt) -> None:
        from appliance.remotes.drive_device import Granted, Poll  # noqa: PLC0415 (only here it is known that they are loaded)

        interval_s = wait_s = attempt.code.interval_s
        while not attempt.ended.wait(min(wait_s, max(0.0, attempt.ends_at_s - clock.monotonic_s()))):
            if clock.monotonic_s() >= attempt.ends_at_s:
                return self._fail(attempt, f"nobody entered the code in time; {_AGAIN}")
            try:
                answer = attempt.flow.poll()
            except ApplianceError as error:
                wait_s = self._hindered(attempt, error, wait_s)
                continue
            self._note(attempt, None)
            if isinstance(answer, Granted):
                return self._take(attempt, answer.refresh_token, allows_files=answer.allows_files)
            if answer is Poll.DENIED:
                return self._fail(attempt, f"the sign-in was declined at Google; {_AGAIN}")
            if answer is Poll.EXPIRED:
                return self._fail(attempt, f"the code is not good any more: nobody entered it in time; {_AGAIN}")
            interval_s += _SLOWER_S if answer is Poll.SLOW_DOWN else 0.0
            wait_s = interval_s
        return None

    def _hindered(self, attempt: _Attempt, error: ApplianceError, wait_s: float) -> float:
        """How long to wait now: longer each time (RFC 8628, 3.5). Raises what does not pass by itself."""
        if not error.retriable:
            raise error
        self._note(attempt, str(error))
        told_s = (error.retry_after_s or 0.0) if isinstance(error, RemoteBusy) else 0.0
        return max(told_s, min(_LONGEST_WAIT_S, wait_s * 2))

    def _take(self, attempt: _Attempt, refresh_token: str, *, allows_files: bool) -> None:
        if not allows_files:
            return self._fail(attempt, f"the permission for files of Google Drive was unticked at Google; {_AGAIN}: leave it ticked there")
        if attempt.ended.is_set():
            return None
        self._granted(attempt.connection_id, attempt.credentials.with_refresh_token(refresh_token))
        with self._lock:
            if self._attempts.get(attempt.connection_id) is attempt:
                del self._attempts[attempt.connection_id]
        log.info("connection %s is signed in", attempt.connection_id)
        return self._changed(attempt.connection_id)

    def _note(self, attempt: _Attempt, trouble: str | None) -> None:
        if trouble == attempt.trouble:
            return
        attempt.trouble = trouble
        if trouble:
            log.info("sign-in of connection %s: %s", attempt.connection_id, trouble)
        self._tell(attempt)

    def _fail(self, attempt: _Attempt, why: str) -> None:
        attempt.failed = why
        log.warning("sign-in of connection %s: %s", attempt.connection_id, why)
        self._tell(attempt)

    def _tell(self, attempt: _Attempt) -> None:
        if not attempt.ended.is_set():
            self._changed(attempt.connection_id)
