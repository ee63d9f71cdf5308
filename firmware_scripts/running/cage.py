"""A script's first process: between fork and exec it gives up all that a script is not to have."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.running import cgroup, system
from firmware_scripts.running.order import Order
from firmware_scripts.running.processes import tasks_of

API_FD = 3
SCRIPT = "script.py"
_MIB = 1 << 20
_NICE = 10
_OOM_SCORE = 900  # of 1000: where memory is short, a script goes before anything else
_OPEN_FILES = 256
_OUT_OF_THE_WAY = 64
_LAST_CPU_S = 5
_SHARED_MIB = 512  # libraries, and memory that is shared or only reserved


class CannotStart(Exception):
    """The script's process could not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Files:
    """What the script gets: descriptors of ours. They are closed here once it has them."""

    stdout: int
    stderr: int
    api: int

    def close(self) -> None:
        for fd in (self.stdout, self.stderr, self.api):
            os.close(fd)


def start(order: Order, files: Files) -> int:
    """The process id of the script, which leads a session of its own. Raises CannotStart."""
    tasks = tasks_of(os.getuid() if order.uid is None else order.uid)
    reading, writing = os.pipe()  # closed by a successful exec; until then it takes the words of a failure
    keeper, pid = os.getpid(), os.fork()
    if pid == 0:
        _become_script(order, files, tasks, keeper, writing)
    os.close(writing)
    files.close()
    with os.fdopen(reading, "rb") as failure:
        if words := failure.read().decode(errors="replace"):
            os.waitpid(pid, 0)
            raise CannotStart(words)
    return pid


def _become_script(order: Order, files: Files, tasks: int, keeper: int, failure: int) -> None:
    """Does not return."""
    try:
        os.setsid()
        failure = _arrange(files, failure)
        cgroup.join(order)
        _lower(order, tasks)
        change_user(order.uid, order.gid)
        system.die_with_parent(signal.SIGKILL)
        if os.getppid() == keeper:  # else it died before we asked to be told
            _settle(order)
            os.execve(order.python, _command(order), _environment(order))  # noqa: S606 - the interpreter, without a shell
    except BaseException as error:  # noqa: BLE001 - a copy of the keeper must not go on as a second one
        os.write(failure, f"{_step(error)}".encode()[:1000])
    os._exit(127)


def _step(error: BaseException) -> str:
    if isinstance(error, OSError):
        about = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{about}"
    return f"{type(error).__name__}: {error}"


def _arrange(files: Files, failure: int) -> int:
    """The descriptors 0 to 3 as a script has them, and where to report a failure; all others are closed."""
    null = os.open(os.devnull, os.O_RDONLY)
    wanted = [null, files.stdout, files.stderr, files.api, failure]
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for fd in wanted]
    for place, fd in enumerate(aside):
        os.dup2(fd, place, inheritable=place <= API_FD)
    os.closerange(len(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return API_FD + 1


def _lower(order: Order, tasks: int) -> None:
    os.umask(0o077)
    os.nice(_NICE)
    system.keep_to_ourselves(really=False)
    Path("/proc/self/oom_score_adj").write_text(f"{_OOM_SCORE}\n")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for what, soft, more in (
        (resource.RLIMIT_CPU, order.cpu_s, _LAST_CPU_S),
        (resource.RLIMIT_DATA, order.memory_mib * _MIB, 0),
        (resource.RLIMIT_AS, (2 * order.memory_mib + _SHARED_MIB) * _MIB, 0),
        (resource.RLIMIT_FSIZE, order.files_mib * _MIB, 0),
        # The kernel counts all of the user's, not the run's: what there is already does not count here.
        (resource.RLIMIT_NPROC, tasks + order.processes, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = soft + more if hard == resource.RLIM_INFINITY else min(hard, soft + more)
        resource.setrlimit(what, (min(soft, most), most))


def change_user(uid: int | None, gid: int | None) -> None:
    """Be that user for good, without rights to be anybody else. Raises OSError where we may not."""
    if uid is not None and gid is not None and (uid != os.getuid() or uid != os.geteuid()):
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    system.give_up_rights()


def _settle(order: Order) -> None:
    """The working folder, which is ours alone, with the script in it."""
    os.mkdir(order.folder, 0o700)  # noqa: PTH102 - pathlib would not add to the words of its error
    os.chdir(order.folder)
    Path(SCRIPT).write_bytes(order.source)


def _command(order: Order) -> list[str]:
    # -S: the packages of the appliance are no business of a script. -I: neither is what a user or the environment names.
    return [order.python, "-I", "-S", "-X", "utf8", order.boot, SCRIPT, *order.arguments]


def _environment(order: Order) -> dict[str, str]:
    own = {
        "HOME": order.folder, "TMPDIR": order.folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2",
        "PYARCHIVE_API_FD": str(API_FD), "PYARCHIVE_RUN_ID": order.run_id,
    }  # fmt: skip
    return own | {name: os.environ[name] for name in ("TZ",) if name in os.environ}
