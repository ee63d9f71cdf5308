"""A clean Debian as an image, made once and kept: what debootstrap makes, and beside it the packages that an installation will ask for.

The root itself has no network. So Debian's packages lie in apt's cache, and the wheels of requirements/appliance.txt in a folder that
/etc/pip.conf names: an installation finds them as it would find them on the network. Nothing of them is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.installation.disk import Disk
from tests.installation.mirror import apt_settings, debian_mirror, local_paths, network_variables, pip_settings

SUITES = ("bookworm", "trixie")
WHEELS = "/srv/wheels"
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "appliance.txt"
_CLEAN = ("ca-certificates", "systemd", "systemd-sysv", "dbus", "python3", "iproute2", "procps")
_ASKED_FOR = ("python3-venv", "mosquitto", "openssl", "avahi-daemon", "samba", "polkitd", "libnss-mdns")
_SIZE_GIB = 8
_FORMAT = 1  # another number makes all images anew


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyarchive-roots"


def base_image(suite: str, mirror: str | None = None, folder: Path | None = None) -> Path:
    """Made where it is not there yet, which takes a few minutes. Raises OSError, NoMirror, CalledProcessError."""
    folder = folder or cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{suite}-{_key(suite)}.img"
    with _turn(folder / f"{suite}.lock"):
        if not image.exists():
            _make(suite, mirror or debian_mirror(), image)
            for old in folder.glob(f"{suite}-*.img"):
                if old != image:
                    old.unlink()
    return image


def _key(suite: str) -> str:
    parts = (_FORMAT, suite, _CLEAN, _ASKED_FOR, _SIZE_GIB, REQUIREMENTS.read_text())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def _turn(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(suite: str, mirror: str, image: Path) -> None:
    print(f"making a clean {suite} in {image.parent}: once, a few minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=image.parent) as folder:
        disk = Disk(Path(folder) / "disk.img", Path(folder) / "disk")
        disk.format(_SIZE_GIB)
        disk.mount(heedless=True)
        try:
            _debootstrap(suite, mirror, disk.at)
            _stock(disk.at, Path(folder))
        finally:
            disk.unmount()
        disk.image.rename(image)


def _debootstrap(suite: str, mirror: str, root: Path) -> None:
    if not shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        _run(["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "debootstrap"])
    _run(["debootstrap", "--variant=minbase", f"--include={','.join(_CLEAN)}", suite, str(root), mirror])
    (root / "etc/hostname").write_text("pyarchive\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 pyarchive\n::1 localhost\n")
    (root / "etc/machine-id").write_text("")


def _stock(root: Path, folder: Path) -> None:
    """Apt's cache and the wheels. pip runs in a copy that is thrown away, since it needs what a clean root has not."""
    environment = network_variables() | pip_settings()
    (folder / "apt.conf").write_text(apt_settings())
    shared = local_paths(environment) | {Path("/etc/resolv.conf"), Path("/etc/ssl/certs/ca-certificates.crt")}
    with _visiting(root, shared, folder / "apt.conf") as apt:
        _in(root, apt, ["apt-get", "-qq", "update"])
        _in(root, apt, ["apt-get", "-qq", "--yes", "--no-install-recommends", "--download-only", "install", *_ASKED_FOR])
    (root / WHEELS[1:]).mkdir(parents=True)
    with _thrown_away(root, folder) as copy, _visiting(copy, shared, folder / "apt.conf") as apt:
        shutil.copy(REQUIREMENTS, copy / "requirements.txt")
        _in(copy, apt, ["apt-get", "-qq", "--yes", "--no-install-recommends", "install", "python3-pip"])
        download = ["python3", "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--require-hashes"]
        _in(copy, environment, [*download, "--requirement", "/requirements.txt", "--dest", "/wheels"])
        _run(["cp", "--recursive", f"{copy}/wheels/.", f"{root}{WHEELS}"])
    (root / "etc/pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {WHEELS}\ndisable-pip-version-check = true\n")


@contextlib.contextmanager
def _visiting(root: Path, shared: set[Path], apt: Path) -> Iterator[dict[str, str]]:
    """The machine's files by which it reaches the network are in the root for a while; the environment with which apt finds them."""
    mounted: list[Path] = []
    made: list[Path] = []
    try:
        for path in [*sorted(shared), apt]:
            place = root / str(path)[1:]
            made += _make_place(place, is_folder=path.is_dir())
            _run(["mount", "--bind", "--options", "ro", str(path), str(place)])
            mounted.append(place)
        yield network_variables() | {"APT_CONFIG": str(apt)}
    finally:
        for place in reversed(mounted):
            _run(["umount", str(place)])
        for place in reversed(made):
            place.rmdir() if place.is_dir() else place.unlink()


def _make_place(place: Path, *, is_folder: bool) -> list[Path]:
    """Something to mount on; what was not there before, outermost first."""
    made = [folder for folder in reversed(place.parents) if not folder.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        return made
    place.mkdir() if is_folder else place.touch()
    return [*made, place]


@contextlib.contextmanager
def _thrown_away(root: Path, folder: Path) -> Iterator[Path]:
    copy = folder / "copy"
    for name in ("copy", "upper", "work"):
        (folder / name).mkdir()
    layers = f"lowerdir={root},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    _run(["mount", "-t", "overlay", "overlay", "-o", layers, str(copy)])
    try:
        yield copy
    finally:
        _run(["umount", "--recursive", str(copy)])


def _in(root: Path, environment: dict[str, str], command: Sequence[str]) -> None:
    """In a chroot that ends with all its processes; nothing that a package brings is started."""
    given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount", f"--root={root}", "--mount-proc"]
    _run([*apart, "env", "-i", *(f"{name}={value}" for name, value in (given | environment).items()), *command])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        words = [word for word in command if "=" not in word or word.startswith("-")]
        raise OSError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
