"""``pyarchive demo``: all processes and a folder as remote on this computer, for as long as this process lives."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ui import output
from ui.client_settings import ClientSettings
from ui.demo import client_file
from ui.demo.child import Child
from ui.demo.first_remote import Say, add_until_done
from ui.errors import Failed
from ui.link import Link
from ui.viewing import Viewing

HOST = "127.0.0.1"
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TEND_EVERY_S = 0.2
_READY_TIMEOUT_S = 20.0
_APPLIANCE_STOP_S, _BROKER_STOP_S, _PANEL_STOP_S, _SCRIPTS_STOP_S = 8.0, 3.0, 4.0, 8.0


class Demo:
    """Use it in a ``with``: it starts the processes, and stops them at the end, the appliance first."""

    def __init__(self, folder: Path, panel_port: int | None) -> None:
        self.folder = folder
        known = client_file.load(folder)
        self.file = known.changed(port=_free_port(known.port), panel_port=_panel_port(panel_port, known.panel_port))
        self.stop = threading.Event()
        self._announced = False
        self._password_file = folder / ".broker-password"
        self._broker = Child("broker", self._broker_command(), os.environ, folder / "broker.log")
        self._appliance = Child(
            "appliance", _python("appliance", "--until-stdin-closes"), self._appliance_environment(), folder / "appliance.log"
        )
        self._panel = Child("panel", _python("ui.panel", "--until-stdin-closes"), self._panel_environment(), folder / "panel.log")
        self._scripts = Child(
            "runner of scripts", _python("firmware_scripts.runner", "--until-stdin-closes"), self._appliance_environment(),
            folder / "scripts.log",
        )  # fmt: skip
        self._children = (self._broker, self._appliance, self._panel, self._scripts)

    def _broker_command(self) -> list[str]:
        return _python(
            "mqtt.embedded", "--port", str(self.file.port), "--username", client_file.USERNAME,
            "--password-file", str(self._password_file), "--until-stdin-closes",
        )  # fmt: skip

    def _appliance_environment(self) -> dict[str, str]:
        # The settings of an appliance that is installed here are not the demo's.
        inherited = {"PYARCHIVE_CONFIG": os.devnull, **os.environ}
        inherited.pop("PYARCHIVE_MQTT_TLS_CA", None)
        return inherited | {
            "PYARCHIVE_DATA": str(self.folder), "PYARCHIVE_MQTT_HOST": HOST, "PYARCHIVE_MQTT_PORT": str(self.file.port),
            "PYARCHIVE_MQTT_USERNAME": client_file.USERNAME, "PYARCHIVE_MQTT_PASSWORD": self.file.password,
        }  # fmt: skip

    def _panel_environment(self) -> dict[str, str]:
        own = {"HOST": HOST, "PORT": str(self.file.panel_port), "DATA": str(self.folder / "panel")}
        return self._appliance_environment() | {f"PYARCHIVE_PANEL_{name}": value for name, value in own.items()}

    def __enter__(self) -> Self:
        self._stop_at_signals()
        try:
            _write_secret(self._password_file, self.file.password)
            self._broker.start()
            self._appliance.start()
            self._await(self._broker_accepts)
            self._await((self.folder / "appliance_id").exists)
            self._note_id()
            self._panel.start()
            self._scripts.start()
        except BaseException as error:
            self._stop_children()
            if isinstance(error, OSError):
                raise Failed(f"the demo cannot start: {error}; check the folder {self.folder}") from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop_children()
        for number in _ENDS:  # an interpreter at its end restores the defaults: a signal that comes late would look like a crash
            signal.signal(number, signal.SIG_IGN)

    def _stop_at_signals(self) -> None:
        """By a pipe: a signal that another thread got does not wake a main thread that waits, and Event.set is not for handlers."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _ENDS:
            # nohup means what it says; but a script's `&` ignores SIGINT unasked.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)

        def watch() -> None:
            while os.read(reading, 1)[0] not in _ENDS:  # a window that changes its size is told here as well
                pass
            self.stop.set()

        threading.Thread(target=watch, name="signals", daemon=True).start()

    def _await(self, ready: Callable[[], bool]) -> None:
        """Raises Failed where a child ends instead, or nothing comes of it; KeyboardInterrupt when the demo is told to stop."""
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while not ready():
            for child in (self._broker, self._appliance):
                if child.exit_status is not None:
                    raise Failed(f"the {child.name} does not start ({child.how_it_ended()}); its log: {child.log}")
            if self.stop.wait(0.02):
                raise KeyboardInterrupt
            if time.monotonic() > deadline_s:
                raise Failed(f"the demo was not ready after {_READY_TIMEOUT_S:g} s; its logs: {self._broker.log}, {self._appliance.log}")

    def _broker_accepts(self) -> bool:
        try:
            socket.create_connection((HOST, self.file.port), timeout=1).close()
        except OSError:
            return False
        return True

    def link(self) -> Link:
        """To be entered by the caller; the broker may still be starting."""
        settings = ClientSettings(
            host=HOST, port=self.file.port, username=client_file.USERNAME, password=self.file.password, tls_ca=None,
            appliance_id=self.file.appliance_id or "", data=self.folder, source=str(self.file.path),
        )  # fmt: skip
        return Link(settings, connect_timeout_s=_READY_TIMEOUT_S, refused_timeout_s=_READY_TIMEOUT_S)

    def run(self, *, as_json: bool) -> None:
        """Until SIGINT, SIGTERM or SIGHUP. As JSON: one line when it is ready, what goes wrong on stderr."""
        while not self.stop.is_set():
            with self.link() as link:
                self._run_under_one_id(link, as_json=as_json)
            if self.stop.is_set():
                return
            for child, timeout_s in ((self._panel, _PANEL_STOP_S), (self._scripts, _SCRIPTS_STOP_S)):
                child.stop(timeout_s)  # each speaks to one id, as all clients do
                child.start()
            if not as_json:
                output.say(f"this is appliance {self.file.appliance_id} from now on, whose archives are being recovered")

    def _run_under_one_id(self, link: Link, *, as_json: bool) -> None:
        """Until the end, or until a recovery gave the appliance another id: then its topics are others."""
        link.mirror.follow("availability")
        over = threading.Event()
        view = None if as_json else Viewing(link.mirror, over)
        say = view.say if view else output.note
        tending = threading.Thread(target=self._tend, args=(say, over), name="tend", daemon=True)
        tending.start()
        threading.Thread(target=self._prepare, args=(link, say, over, as_json), name="prepare", daemon=True).start()
        try:
            if view:
                view.run()
            else:
                over.wait()
        except BaseException:
            self.stop.set()
            raise
        finally:
            over.set()
            tending.join()

    def _tend(self, say: Say, over: threading.Event) -> None:
        """Until it is told to end, or tells the others to; whatever happens here, they are told."""
        try:
            while not over.is_set() and not self.stop.wait(_TEND_EVERY_S) and not self._id_has_changed():
                for child in self._children:
                    self._tend_child(child, say)
        finally:
            over.set()

    def _tend_child(self, child: Child, say: Say) -> None:
        try:
            line = child.tend()
        except OSError as error:
            line = f"the {child.name} cannot be started: {error}"
        if line:
            with contextlib.suppress(OSError):  # nobody reads what is said here any more
                say(line)

    def _id_has_changed(self) -> bool:
        with contextlib.suppress(Failed):  # a full disk: the others are told when there is room again
            return self._note_id()
        return False

    def _note_id(self) -> bool:
        """True where the appliance has another id than the other commands were told; they are told."""
        with contextlib.suppress(OSError):
            found = (self.folder / "appliance_id").read_text().strip()
            if found and found != self.file.appliance_id:
                self.file = self.file.changed(appliance_id=found)
                return True
        return False

    def _prepare(self, link: Link, say: Say, over: threading.Event, as_json: bool) -> None:
        while not link.mirror.wait(lambda: link.mirror.online, 1.0):
            if over.is_set():
                return
        if not self.file.remote_added and add_until_done(link, self.folder / "remote", over, say):
            self.file = self.file.changed(remote_added=True)
        if as_json and not (over.is_set() or self._announced):
            self._announced = True
            output.emit(
                {
                    "appliance_id": self.file.appliance_id,
                    "host": HOST,
                    "port": self.file.port,
                    "data": str(self.folder),
                    "panel": self.panel,
                }
            )
        elif not self._announced:
            self._announced = True
            self._say_how_to_claim(link, say)

    @property
    def panel(self) -> str:
        """Where the web panel is, for people on this computer."""
        return f"http://{HOST}:{self.file.panel_port}"

    def _say_how_to_claim(self, link: Link, say: Say) -> None:
        with contextlib.suppress(Failed):
            if not link.ask("user/standing")["claimed"]:
                say(f"to claim the appliance, open {self.panel} with the setup code {link.ask('user/setup-code')['code']}")

    def _stop_children(self) -> None:
        self._panel.stop(_PANEL_STOP_S)
        self._scripts.stop(_SCRIPTS_STOP_S)  # while the appliance can still note how its runs ended
        if not self._appliance.stop(_APPLIANCE_STOP_S):
            output.note(f"the appliance did not stop in {_APPLIANCE_STOP_S:g} s and was ended; its log: {self._appliance.log}")
        self._broker.stop(_BROKER_STOP_S)
        self._password_file.unlink(missing_ok=True)


def _python(module: str, *arguments: str) -> list[str]:
    """-P: nothing is imported from the folder that the demo happens to be started in."""
    return [sys.executable, "-P", "-m", module, *arguments]


def _free_port(wanted: int) -> int:
    """The wanted port of the loopback where it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise Failed("no port of 127.0.0.1 is free; end some programs, then try again")


def _panel_port(asked: int | None, known: int) -> int:
    """Raises Failed where a port was asked for by name and is taken."""
    port = _free_port(asked or known)
    if asked and port != asked:
        raise Failed(f"port {asked} of 127.0.0.1 is in use; end what uses it, or choose another with --port N")
    return port


def _write_secret(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as opened:
        opened.write(text)
