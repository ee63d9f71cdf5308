"""A Debian of its own with a real systemd as its first process: booted, asked, cut off from power, booted again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from tests.installation.cgroup import Cgroup
from tests.installation.disk import Disk
from tests.installation.kernel import network_of
from tests.waiting import wait_for

_BOOT = Path(__file__).with_name("boot.sh")
_NAMESPACES = ("mnt", "uts", "ipc", "net", "pid", "cgroup")
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


class How(TypedDict, total=False):
    """How a command is run: as whom (else as root), with what more in its environment, in which folder."""

    user: str
    environment: Mapping[str, str]
    folder: str


class CommandFailed(AssertionError):
    """A command in the root had another exit status than 0; says what it printed."""


class Root:
    """``with Root(image, folder) as root: root.boot()``. Its files can be seen in ``root.path``, also while it does not run.

    ``folder`` gets a copy of the image and what the system prints. Commands run in the root's own namespaces, which are held open: they
    never reach the machine outside, not even when the root ends at that moment. Raises OSError: not root, or the kernel lacks something.
    """

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.disk = Disk(folder / "disk.img", folder / "disk")
        self.disk.copy_of(image)
        self.path = self.disk.at
        self.console = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._cgroup: Cgroup | None = None
        self._namespaces: dict[str, int] = {}
        self._commands: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        self.disk.mount()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()
        self.disk.unmount()

    # --- power --------------------------------------------------------------------------------------------------------

    def boot(self, timeout_s: float = 120) -> str:
        """Until systemd has nothing left to do: ``running`` or ``degraded``."""
        assert not self.runs, "it runs already"
        self._end()
        self.disk.mount()
        self._cgroup = Cgroup()
        namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child", "--propagation", "private"]
        outside = "\n".join(f"{kind} {_namespace('self', kind)}" for kind in _NAMESPACES if kind != "cgroup")
        enter_cgroup = ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self._cgroup.path / "cgroup.procs")]
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                [*enter_cgroup, "unshare", *namespaces, str(_BOOT), str(self.path)], stdin=subprocess.DEVNULL, stdout=console,
                stderr=console, env=_ENVIRONMENT | {"APART_FROM": outside}, start_new_session=True,
            )  # fmt: skip
        self._hold_namespaces(wait_for(self._first_process, 30, "the first process of the root"))
        return self._settled(timeout_s)

    def shut_down(self) -> None:
        """As ``poweroff`` does it: services are stopped, file systems synced."""
        self.run("systemctl", "poweroff", "--no-block")
        self._ended(90)

    def reboot(self) -> str:
        self.shut_down()
        return self.boot()

    def cut_power(self) -> None:
        """Every process is gone at once, and so is what was not synced."""
        self.disk.lose_power()
        self._end()
        self.disk.unmount()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # --- in it --------------------------------------------------------------------------------------------------------

    def start(self, *command: str | Path, **how: Unpack[How]) -> subprocess.Popen[str]:
        """Output and errors together, as text."""
        command_process = subprocess.Popen(
            self._entered(command, how.get("user"), how.get("folder", "/")), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, pass_fds=tuple(self._namespaces.values()),
            env=_ENVIRONMENT | dict(how.get("environment", {})), start_new_session=True,
        )  # fmt: skip
        self._commands = [each for each in self._commands if each.returncode is None] + [command_process]
        return command_process

    def attempt(self, *command: str | Path, given: str = "", timeout_s: float = 120, **how: Unpack[How]) -> tuple[int, str]:
        """Exit status, and what was printed. Raises CommandFailed: it took longer."""
        with self.start(*command, **how) as process:
            try:
                said, _ = process.communicate(given, timeout_s)
            except subprocess.TimeoutExpired:
                _kill(process)
                said, _ = process.communicate()
                raise CommandFailed(f"{_line(command)} took more than {timeout_s} s; it had printed:\n{said}") from None
            except BaseException:
                _kill(process)
                raise
        return process.returncode, said

    def run(self, *command: str | Path, given: str = "", timeout_s: float = 120, **how: Unpack[How]) -> str:
        """What was printed. Raises CommandFailed."""
        status, said = self.attempt(*command, given=given, timeout_s=timeout_s, **how)
        if status:
            raise CommandFailed(f"{_line(command)} ended with {status}:\n{said}")
        return said

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Sockets of this thread reach what listens in the root. Raises OSError: it does not run."""
        namespace = self._namespaces.get("net")
        if namespace is None:
            raise OSError("the root does not run")
        with network_of(namespace):
            yield

    def property(self, unit: str, name: str) -> str:
        """``property("mosquitto.service", "MainPID")``: as ``systemctl show`` has it."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).strip()

    def is_active(self, unit: str) -> bool:
        return self.property(unit, "ActiveState") == "active"

    def journal(self, *options: str) -> str:
        """``journal("-u", "pyarchive-panel")``: of this boot."""
        return self.run("journalctl", "--boot", "--no-pager", "--quiet", "--output", "short-monotonic", *options)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _entered(self, command: tuple[str | Path, ...], user: str | None, folder: str) -> list[str]:
        assert self.runs, f"the root does not run; see {self.console}"
        names = {"mnt": "mount"}
        enter = [f"--{names.get(kind, kind)}=/proc/self/fd/{descriptor}" for kind, descriptor in self._namespaces.items()]
        become = ["setpriv", f"--reuid={user}", f"--regid={self._group(user)}", "--init-groups", "--inh-caps=-all", "--"] if user else []
        return ["nsenter", *enter, f"--wdns={folder}", "--", *become, *map(str, command)]

    def _group(self, user: str) -> str:
        """The number of the first group."""
        lines = (line.split(":") for line in (self.path / "etc/passwd").read_text().splitlines())
        return next((fields[3] for fields in lines if fields[0] == user), user)

    def _first_process(self) -> int:
        """0 until there is one. Once it is systemd itself: before that its mounts are not made."""
        assert self._process is not None
        assert self._process.poll() is None, f"the root did not start:\n{self.console.read_text()[-2000:]}"
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            if children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
                return int(children[0])
        return 0

    def _hold_namespaces(self, process_id: int) -> None:
        for kind in _NAMESPACES:
            assert _namespace(process_id, kind) != _namespace("self", kind), f"the root shares the machine's own namespace: {kind}"
            self._namespaces[kind] = os.open(f"/proc/{process_id}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)

    def _settled(self, timeout_s: float) -> str:
        """The bus and systemd's own socket are there a moment after systemd is."""
        deadline = time.monotonic() + timeout_s
        while True:
            _, said = self.attempt("systemctl", "is-system-running", "--wait", timeout_s=timeout_s)
            if said.strip() in {"running", "degraded"}:
                return said.strip()
            assert time.monotonic() < deadline, f"systemd is not ready: {said}; see {self.console}"
            time.sleep(0.05)

    def _ended(self, timeout_s: float) -> None:
        assert self._process is not None
        wait_for(self._is_over, timeout_s, "the root to end")
        self._end()

    def _is_over(self) -> bool:
        """Commands are woken: what systemd is about to kill it stops, nsenter stops with that, and would not see its end."""
        for each in self._commands:
            if each.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGCONT)
        return not self.runs

    def _end(self) -> None:
        """Each process of the root, its namespaces and its cgroup. Can be repeated."""
        for descriptor in self._namespaces.values():
            os.close(descriptor)
        self._namespaces.clear()
        if self._process is not None:
            self._process.kill()  # and with it, by --kill-child, the first process of the root and so all of them
            self._process.wait()
            self._process = None
        if self._cgroup is not None:
            self._cgroup.remove()
            self._cgroup = None


def _kill(process: subprocess.Popen[str]) -> None:
    """It and what it has started: nsenter alone would leave the command behind, which holds the other end of our pipe."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _namespace(process: int | str, kind: str) -> Path:
    return Path(f"/proc/{process}/ns/{kind}").readlink()


def _line(command: tuple[str | Path, ...]) -> str:
    return " ".join(map(str, command))
