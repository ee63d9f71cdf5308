"""``./install.sh campaign install``: PyArchive installed in clean roots of Debian 12 and 13 with a real systemd, used, hurt, and left."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.installation.base import SUITES, base_image
from tests.installation.chapter_again import again
from tests.installation.chapter_dying import dying
from tests.installation.chapter_installing import installing
from tests.installation.chapter_leaving import leaving
from tests.installation.chapter_measuring import measuring
from tests.installation.chapter_power import power
from tests.installation.chapter_prying import prying
from tests.installation.chapter_upgrading import upgrading
from tests.installation.claims import Claims
from tests.installation.installed import Installed
from tests.installation.kernel import own_mounts
from tests.installation.mirror import NoMirror
from tests.installation.root import Root
from tests.installation.visitor import Visitor

Chapter = Callable[[Claims, Installed, Visitor], None]
CHAPTERS: dict[str, Chapter] = {
    "installing": installing,
    "prying": lambda claims, installed, _: prying(claims, installed),
    "again": lambda claims, installed, _: again(claims, installed),
    "measuring": measuring,
    "dying": lambda claims, installed, _: dying(claims, installed),
    "power": power,
    "leaving": lambda claims, installed, _: leaving(claims, installed),
    "upgrading": upgrading,
}
_IN_A_ROOT_OF_THEIR_OWN = ("upgrading",)


def run(arguments: list[str]) -> int:
    """Exit status 0: all claims were shown; 1: not all; 2: it cannot be done here; 130: interrupted."""
    options = _options(arguments)
    if os.geteuid() != 0:
        sys.stderr.write("campaign install: it mounts disks and makes namespaces, which root alone may; try again as root\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the root ends and its disk goes
    own_mounts()
    folder = Path(tempfile.mkdtemp(prefix="pyarchive-install-"))
    try:
        failed = sum(_of_suite(suite, folder / suite, options) for suite in options.suites)
    except (OSError, NoMirror) as error:
        sys.stderr.write(f"campaign install: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("campaign install: interrupted; nothing of it is left\n")
        return 130
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaign install", description=__doc__)
    parser.add_argument("--suite", choices=[*SUITES, "both"], default="both", help="Debian 12, 13 or both (default)")
    parser.add_argument("--chapters", nargs="*", default=list(CHAPTERS), help=f"some only, beside installing: {', '.join(CHAPTERS)}")
    parser.add_argument("--keep", action="store_true", help="the disks stay; it is said where")
    parser.add_argument("--mirror", help="of Debian; else the one of this machine's apt")
    parser.add_argument("--cache", type=Path, help="where the clean roots are kept")
    options = parser.parse_args(arguments)
    if unknown := set(options.chapters) - set(CHAPTERS):
        parser.error(f"there is no chapter {', '.join(sorted(unknown))}")
    options.suites = SUITES if options.suite == "both" else (options.suite,)
    return options


def _of_suite(suite: str, folder: Path, options: argparse.Namespace) -> int:
    """How many claims were not shown."""
    image = base_image(suite, options.mirror, options.cache)
    claims = Claims(suite)
    chosen = {"installing", *options.chapters}
    apart = [name for name in _IN_A_ROOT_OF_THEIR_OWN if name in chosen]
    if together := [name for name in CHAPTERS if name in chosen and name not in apart and chosen != {"installing", *apart}]:
        _in_one_root(image, folder / "usual", claims, together, keep=options.keep)
    for name in apart:
        _in_one_root(image, folder / name, claims, [name], keep=options.keep)
    print(f"\n{claims.report()}\n", flush=True)
    return claims.failed


def _in_one_root(image: Path, folder: Path, claims: Claims, chapters: Sequence[str], *, keep: bool) -> None:
    with Root(image, folder) as root:
        root.boot()
        installed, visitor = Installed(root), Visitor(root)
        for name in chapters:
            _read(claims, name, CHAPTERS[name], installed, visitor)
        if keep and root.runs:
            _say_what_is_kept(root)
    if not keep:
        root.disk.remove()


def _read(claims: Claims, name: str, chapter: Chapter, installed: Installed, visitor: Visitor) -> None:
    """One that breaks off fails; the next begins where the root runs again."""
    with claims.whole(name):
        chapter(claims, installed, visitor)
    if not installed.root.runs:
        installed.root.boot()


def _say_what_is_kept(root: Root) -> None:
    (root.folder / "journal").write_text(root.journal())
    print(f"kept: {root.disk.image} (mount -o loop), its console and journal beside it", flush=True)
