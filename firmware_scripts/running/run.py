"""One execution of a script, from its order to its last state; a thread each."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from firmware_scripts.running.asking import Ask, Asking
from firmware_scripts.running.holding import Holding
from firmware_scripts.running.lines import Cutter, Pending, Rate
from firmware_scripts.running.order import Order
from mqtt.script_messages import RunOrder, RunState, ScriptState

GRACE_S = 5.0
_READ_BYTES = 64 * 1024
_DROPPED_BYTES_PER_S = 16 << 20
_STATE_EVERY_S = 2.0
_PATIENCE_WITH_BROKER_S = 10.0
_TICK_S = 0.5
_OVER_CPU = -signal.SIGXCPU


class Way(Protocol):
    """Where a run tells what it has to tell."""

    def output(self, run_id: str, payload: bytes) -> None: ...
    def state(self, state: ScriptState) -> None: ...
    def open(self) -> bool:
        """Messages go out as fast as they come."""
        ...


class Run:
    """``start``, then ``over`` is called once, when its last state is told and nothing of it is left."""

    def __init__(self, order: RunOrder, placed: Order, way: Way, ask: Ask, over: Callable[[Run], None]) -> None:
        self.order = order
        self._placed = placed
        self._way = way
        self._ask = ask
        self._over = over
        self._pending = Pending(order.run_id)
        self._rate = Rate()
        self._cutters = {"stdout": Cutter(), "stderr": Cutter()}
        self._state: RunState = "ended"
        self._reason: str | None = None
        self._exit_status: int | None = None
        self._started_at: datetime | None = None
        self._written_bytes = 0
        self._dropped_lines = 0
        self._told_s = 0.0
        self._told_of = (0, 0)
        self._shut_since_s: float | None = None
        self.orphaned = False
        self._finished = False
        self._ending = False
        self._last_error = ""
        self._lock = threading.Lock()

    @property
    def run_id(self) -> str:
        return self.order.run_id

    def start(self, holding: Holding) -> None:
        self.holding = holding
        threading.Thread(target=self._work, name=f"run-{self.run_id[:8]}", daemon=True).start()

    def end(self, state: RunState, reason: str, grace_s: float = GRACE_S) -> None:
        """End all of it; the first reason is the one that is told. From any thread, also twice."""
        with self._lock:
            if not self._ending:
                self._ending, self._state, self._reason = True, state, reason
        self.holding.end(grace_s)

    # On the run's thread

    def _work(self) -> None:
        try:
            self.holding.start(self._placed)
            self._follow()
        except OSError as error:
            self._conclude("lost", f"the run could not be followed: {error.strerror}")
        finally:
            self._tell_end()
            self.holding.close()
            self._over(self)

    def _follow(self) -> None:
        until_s = time.monotonic() + self.order.limits.wall_s
        with selectors.DefaultSelector() as selector:
            streams = {self.holding.stdout: "stdout", self.holding.stderr: "stderr"}
            selector.register(self.holding.control, selectors.EVENT_READ)
            while not (self._finished and not streams):
                self._hear(selector, streams)
                for key, _ in selector.select(0 if self._finished and not self._pending else self._wait_s()):
                    if key.fd in streams:
                        self._read(key.fd, streams)
                    elif key.fileobj is self.holding.control:
                        self._listen(selector, streams)
                self._send_due()
                self._tell_progress()
                if time.monotonic() > until_s:
                    until_s = float("inf")
                    self.end("timed_out", f"its time was up: {self.order.limits.wall_s:g} s")
        self._end_of_streams()

    def _hear(self, selector: selectors.BaseSelector, streams: dict[int, str]) -> None:
        """Read only what can be sent: what the script writes beyond that waits in its pipe, and the script with it."""
        wanted = not self._pending.full or self._dropping
        for fd in (self.holding.stdout, self.holding.stderr):
            registered = fd in selector.get_map()
            if fd in streams and wanted and not registered:
                selector.register(fd, selectors.EVENT_READ)
            elif registered and not (fd in streams and wanted):
                selector.unregister(fd)

    def _wait_s(self) -> float:
        return min(_TICK_S, self._rate.wait_s()) if self._pending and self._way.open() else _TICK_S

    def _read(self, fd: int, streams: dict[int, str]) -> None:
        data = os.read(fd, _READ_BYTES)
        if not data:
            del streams[fd]
            return
        if self._dropping:
            self._dropped_lines += data.count(b"\n")
            time.sleep(len(data) / _DROPPED_BYTES_PER_S)  # what prints without end is not to cost a processor of ours
            return
        self._written_bytes += len(data)
        self._add(streams[fd], self._cutters[streams[fd]].feed(data))

    def _add(self, stream: str, texts: list[str]) -> None:
        self._pending.add(stream, texts)
        if stream == "stderr" and texts:
            self._last_error = texts[-1]

    @property
    def _dropping(self) -> bool:
        return self._written_bytes >= self.order.limits.output_bytes or self._shut_for_long()

    def _shut_for_long(self) -> bool:
        """The broker is away, or slow: after a while the script goes on, and what it writes is counted."""
        if self._way.open() or not self._pending.full:
            self._shut_since_s = None
            return False
        self._shut_since_s = self._shut_since_s or time.monotonic()
        return time.monotonic() - self._shut_since_s > _PATIENCE_WITH_BROKER_S

    def _listen(self, selector: selectors.BaseSelector, streams: dict[int, str]) -> None:
        messages = self.holding.control.receive()
        if messages is None:
            selector.unregister(self.holding.control)
            if not self._finished:
                self._finished = self.orphaned = True
                self._conclude("lost", "the process that held it was ended")
                streams.clear()  # what is left of the run may hold them open for as long as it lives
        for message in messages or []:
            self._hear_keeper(message)

    def _hear_keeper(self, message: dict[str, object]) -> None:
        match message:
            case {"started": _}:
                self._started_at = datetime.now(UTC)
                threading.Thread(target=Asking(self.run_id, self.holding.api, self._ask).serve, name="asking", daemon=True).start()
                self._tell("running")
            case {"refused": words}:
                self._finished = True
                self._conclude("refused", f"it could not be started: {words}")
            case {"over": words}:
                self._conclude("over_limit", str(words))
            case {"ended": status, "left": left}:
                self._finished = True
                self._exit_status = status if isinstance(status, int) else None
                self._explain(left if isinstance(left, int) else 0)

    def _conclude(self, state: RunState, reason: str) -> None:
        with self._lock:
            if not self._ending:
                self._ending, self._state, self._reason = True, state, reason

    def _explain(self, left: int) -> None:
        """Why it ended, where it ended by itself."""
        status, limits = self._exit_status, self.order.limits
        if status == _OVER_CPU:
            self._conclude("over_limit", f"it used more than {limits.cpu_s} s of a processor")
        elif status is not None and status < 0:
            self._conclude("ended", f"it was ended by signal {-status} ({signal.strsignal(-status)})")
        elif status and self._last_error.startswith("MemoryError"):
            self._conclude("over_limit", f"it asked for more than {limits.memory_mib} MiB of memory")
        elif status:
            self._conclude("ended", f"it ended with exit status {status}")
        elif left:
            self._conclude("ended", f"{left} processes that it left behind were ended")

    # Telling

    def _send_due(self) -> None:
        while self._pending and self._way.open() and self._rate.wait_s() <= 0:
            self._send()

    def _send(self) -> None:
        self._way.output(self.run_id, self._pending.take())
        self._rate.sent()

    def _end_of_streams(self) -> None:
        for stream, cutter in self._cutters.items():
            self._add(stream, cutter.end())
        while self._pending:
            time.sleep(self._rate.wait_s())
            self._send()

    def _tell_progress(self) -> None:
        if self._started_at and not self._finished and time.monotonic() - self._told_s > _STATE_EVERY_S:
            if (self._pending.sequence, self._dropped_lines) != self._told_of:
                self._tell("running")
            self._told_s = time.monotonic()

    def _tell_end(self) -> None:
        self._shut_api()
        self._tell(self._state)

    def _shut_api(self) -> None:
        try:
            self.holding.api.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _tell(self, state: RunState) -> None:
        order, over = self.order, state != "running"
        self._told_s, self._told_of = time.monotonic(), (self._pending.sequence, self._dropped_lines)
        self._way.state(
            ScriptState(
                run_id=order.run_id, script_id=order.script_id, name=order.name, state=state, asked_at=order.asked_at,
                exit_status=self._exit_status if over else None, reason=self._reason if over else None, started_at=self._started_at,
                ended_at=datetime.now(UTC) if over else None, lines=self._pending.sequence, dropped_lines=self._dropped_lines,
            )
        )  # fmt: skip
