"""A folder that is a computer with an installation: its systemd is a program of ours, its releases are scripts."""

from __future__ import annotations

import os
import shutil
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.installation import choices, keeping, upgrade_journal, writing
from appliance.installation.choices import Choices
from appliance.installation.layout import UNITS, Layout
from appliance.installation.running import Programs, Result
from appliance.installation.site import Site
from appliance.installation.upgrade_journal import Journal
from appliance.installation.upgrading import Upgrading

PROGRAM = Path(__file__).with_name("fake_systemctl.sh")
OLD, NEW, OLDER = "0.1.0-000000000old", "0.1.0-000000000new", "0.1.0-0000000older"
TRIAL_ID = "c0ffee"
_UNIT = "etc/systemd/system/pyarchive-appliance.service"
_OPERATIONS = ("write", "point", "make_folder", "remove", "sync")


@dataclass
class InFolder(Programs):
    """Programs of the computer that is a folder."""

    root: Path = Path("/")

    def run(self, *command: str | Path, environment: Any = None, cwd: Path | None = None, given: str = "") -> Result:
        own = {"ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        first = self.root / "bin" / command[0] if "/" not in str(command[0]) else command[0]
        return Programs.run(self, first, *command[1:], environment=own, cwd=cwd, given=given)


class Computer:
    """With OLD running, three files acknowledged, and NEW made beside it, which ``behaves``: good, fails, crashes, hangs, or
    dies: a moment after it has passed.
    """

    def __init__(self, root: Path, behaves: str = "good") -> None:
        self.root = root
        self.layout = Layout(root)
        self.data = root / "var/lib/pyarchive"
        self.within_s = 0.3 if behaves in {"hangs", "dies"} else 30.0
        for folder in ("bin", "run/fake", "run/systemd/system", "lib/systemd", "var/lib/pyarchive-upgrade", "etc/pyarchive/mosquitto"):
            (root / folder).mkdir(parents=True)
        for name in ("systemctl", "journalctl", "systemd-run"):
            (root / "bin" / name).symlink_to(PROGRAM)
        self._make_system()
        for name, how in ((OLDER, "good"), (OLD, "good"), (NEW, behaves)):
            self._make_release(name, how)
        self.layout.current.symlink_to(f"releases/{OLD}")
        self._make_data()
        self.programs = InFolder(root=root)
        self.boot()

    def _make_system(self) -> None:
        write(self.root / "etc/os-release", "ID=debian\nVERSION_ID=12\n")
        write(self.root / "lib/systemd/systemd", "")
        names = ("root", "pyarchive-appliance", "pyarchive")
        write(self.root / "etc/passwd", "".join(f"{name}:x:{os.getuid()}:{os.getgid()}::/:\n" for name in names))
        write(self.root / "etc/group", "".join(f"{name}:x:{os.getgid()}:\n" for name in names))
        write(self.layout.choices_file, choices.as_toml(Choices()))
        write(self.root / _UNIT, f"[Service]\n# of {OLD}\n")
        write(self.layout.broker / "rights", OLD)
        write(self.layout.broker / "only-old", OLD)

    def _make_release(self, name: str, behaves: str) -> None:
        release = self.layout.releases / name
        write(release / ".finished", "")
        write(release / "behaviour", behaves)
        (release / "bin").mkdir()
        (release / "bin/pyarchive").symlink_to(PROGRAM)

    def _make_data(self) -> None:
        for name, text in (
            ("appliance_id", "house\n"), ("catalog/journal-1", ""), ("ledger/0123abcd", "bytes"), ("secrets/epochs.json", "{}"),
            ("store/0123abcd/file", "large"),
        ):  # fmt: skip
            write(self.data / name, text)
        (self.data / "secrets/epochs.json").chmod(0o600)
        write(self.root / "run/fake/acknowledged", "")

    # What happens to it

    def boot(self) -> None:
        """The units start, if nothing is to be ended first."""
        shutil.rmtree(self.root / "run/fake/units", ignore_errors=True)
        for unit in UNITS:
            self.programs.run("systemctl", "start", unit)

    def lose_power(self) -> None:
        for unit in UNITS:
            (self.root / "run/fake" / unit).unlink(missing_ok=True)

    def upgrading(self, *, at_boot: bool = False, journal: Journal | None = None) -> Upgrading:
        site = Site(layout=self.layout, choices=Choices(), source=self.root / "clone", programs=self.programs)
        begun = journal or upgrade_journal.read(self.layout)
        assert begun is not None
        return Upgrading(
            site=site, journal=begun, say=lambda _: None, configure=configure, at_boot=at_boot, within_s=self.within_s, steady_s=0.05
        )

    def begin(self) -> Journal:
        writing.write(self.layout.upgrading, "")
        journal = Journal(trial_id=TRIAL_ID, old=OLD, new=NEW)
        journal.write(self.layout)
        return journal

    def run_until(self, event: int, *, at_boot: bool = False) -> bool:
        """Go on in a process of its own, which SIGKILL ends after its n-th event; False: it came to its end before."""
        child = os.fork()
        if child == 0:
            try:
                _die_after(event, self)
                self.upgrading(at_boot=at_boot).run()
                os._exit(0)
            except BaseException:  # noqa: BLE001 - a forked test must not go on as a second one
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or status == 0, "it failed; the lines above say why"
        return os.WIFSIGNALED(status)

    # How it is

    @property
    def in_use(self) -> str:
        return self.layout.current.readlink().name

    def lines(self) -> list[str]:
        return (self.data / "catalog/journal-1").read_text().splitlines()

    def acknowledged(self) -> list[str]:
        return (self.root / "run/fake/acknowledged").read_text().splitlines()

    def check(self) -> None:
        """One of the two versions is in use, whole, and whatever was acknowledged is there."""
        release = self.in_use
        assert upgrade_journal.read(self.layout) is None
        assert not self.layout.upgrading.exists()
        assert not (self.data / "upgrade-trial.json").exists()
        assert [line for line in self.lines() if line.startswith("kept")] == self.acknowledged()
        assert release in {OLD, NEW}
        assert ("of a trial" in self.lines()) == (release == NEW) == (self.data / "ledger/of-a-trial").exists()
        assert release in (self.root / _UNIT).read_text()
        assert (self.layout.broker / "rights").read_text() == release
        assert (self.layout.broker / "only-new").exists() == (release == NEW)
        assert (self.data / "store/0123abcd/file").read_text() == "large"
        assert (self.data / "secrets/epochs.json").stat().st_mode & 0o777 == 0o600
        assert not (self.layout.upgrade / "before").exists()
        assert sorted(path.name for path in self.data.iterdir() if path.name.startswith(".")) == []
        assert (self.root / "run/fake" / UNITS[0]).read_text() == "active\n"


def broken_off(root: Path, behaves: str, event: int, *, power: bool) -> tuple[bool, str]:
    """An upgrade that is killed after its n-th event, and ended by the next boot or by its unit; whatever comes is checked.

    Whether it was killed at all, and the release in use at the end.
    """
    computer = Computer(root, behaves)
    computer.begin()
    was_killed = computer.run_until(event)
    if power:
        computer.lose_power()
    if upgrade_journal.read(computer.layout):
        computer.upgrading(at_boot=power).run()
    computer.boot()
    computer.check()
    return was_killed, computer.in_use


def configure(site: Site) -> None:
    """What the plan of an installation writes, in small."""
    release = site.layout.current.readlink().name
    writing.write(site.layout.root / _UNIT, f"[Service]\n# of {release}\n")
    writing.write(site.layout.broker / "rights", release)
    writing.write(site.layout.broker / "only-new", release)
    writing.remove(site.layout.broker / "only-old")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@dataclass
class _Fuse:
    left: int
    depth: int = field(default=0)

    def around(self, do: Callable[..., Any]) -> Callable[..., Any]:
        """One event, also where it is made of others."""

        def one(*arguments: Any, **more: Any) -> Any:
            self.depth += 1
            try:
                return do(*arguments, **more)
            finally:
                self.depth -= 1
                self.left -= not self.depth
                if self.left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        return one


def _die_after(event: int, computer: Computer) -> None:
    fuse = _Fuse(event)
    for name in _OPERATIONS:
        setattr(writing, name, fuse.around(getattr(writing, name)))
    for name in ("_copy_file", "_put_back", "_merge"):
        setattr(keeping, name, fuse.around(getattr(keeping, name)))
    computer.programs.run = fuse.around(computer.programs.run)  # type: ignore[method-assign]  # in a process that is about to be killed
