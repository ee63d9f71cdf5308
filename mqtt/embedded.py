"""The embedded broker of the demo and of tests, as a process of its own on 127.0.0.1.

``python -m mqtt.embedded --port N --username U --password-file F [--until-stdin-closes]`` prints ``{"port": N}`` when it accepts
connections, and ends within a second of SIGTERM. The password is never on a command line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import logging
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Self

from mqtt.serving import serve

HOST = "127.0.0.1"
_START_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 3.0


class BrokerFailed(Exception):
    """The embedded broker cannot start (its port is taken, …). The text says why and what to do."""


class EmbeddedBroker:
    """A running broker process. It ends when ``stop`` is called, and with this process however that ends."""

    def __init__(self, port: int, username: str, password: str, process: subprocess.Popen[bytes]) -> None:
        self.host = HOST
        self.port = port
        self.username = username
        self.password = password
        self._process = process

    @classmethod
    def start(
        cls, port: int = 0, username: str = "pyarchive", password: str | None = None, stderr: IO[bytes] | None = None
    ) -> EmbeddedBroker:
        """Start it and wait until it accepts connections. Raises BrokerFailed.

        Port 0 is a free one; no password is a random one; ``stderr`` takes its log (none: ours does).
        """
        password = password or secrets.token_urlsafe(24)
        process = _spawn(port, username, password, stderr)
        broker = cls(port, username, password, process)
        try:
            broker.port = _reported_port(process)
        except BrokerFailed:
            broker.stop()
            raise
        return broker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, timeout_s: float = _STOP_TIMEOUT_S) -> None:
        """Safe to call twice. A broker that has not ended after timeout_s is killed."""
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _spawn(port: int, username: str, password: str, stderr: IO[bytes] | None) -> subprocess.Popen[bytes]:
    reader, writer = os.pipe()
    command = [sys.executable, "-P", "-m", "mqtt.embedded", "--port", str(port), "--username", username]
    command += ["--password-file", f"/dev/fd/{reader}", "--until-stdin-closes"]
    try:
        os.write(writer, password.encode())
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, pass_fds=[reader]
        )
    finally:
        os.close(reader)
        os.close(writer)


def _reported_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT_S)
    line = process.stdout.readline() if ready else b""
    if not ready:
        raise BrokerFailed(f"the embedded broker was not ready within {_START_TIMEOUT_S:.0f} s")
    if not line:
        raise BrokerFailed("the embedded broker ended while it started; its log says why")
    report = json.loads(line)
    if "error" in report:
        raise BrokerFailed(report["error"])
    return int(report["port"])


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 after a stop, 1 where it cannot start."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        password = options.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        asyncio.run(_run(options, password))
    except (OSError, OverflowError, UnicodeDecodeError, BrokerFailed) as error:
        text = f"the embedded broker cannot start on {HOST}:{options.port}: {_cause(error)}"
        _report({"error": text})
        logging.getLogger("mqtt.embedded").error(text)  # noqa: TRY400 - the cause is in the text; a traceback would hide it
        return 1
    return 0


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "another program listens there; stop it, or choose another port"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mqtt.embedded", description=f"An MQTT broker on {HOST}, for one login")
    parser.add_argument("--port", type=int, required=True, help="0: a free one")
    parser.add_argument("--username", required=True)
    parser.add_argument("--password-file", type=Path, required=True, help="its first line is the password")
    parser.add_argument("--until-stdin-closes", action="store_true", help="also end at the end of stdin; Ctrl-C is left to the parent")
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace, password: str) -> None:
    if not password:
        raise BrokerFailed(f"no password in {options.password_file}")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if options.until_stdin_closes:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the appliance still has to say that it stops
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    else:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    server, port = await serve(HOST, options.port, options.username, password)
    _report({"port": port})
    await stop.wait()
    server.close()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended before us
        loop.call_soon_threadsafe(stop.set)


def _report(report: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
