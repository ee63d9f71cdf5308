"""Root may read everything: what is tried of rights is tried as somebody else."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NOBODY = 65534


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Where this process is root, it has nobody's rights meanwhile, in all its threads; else nothing changes."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(_NOBODY, _NOBODY, 0)  # the way back is kept
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@contextlib.contextmanager
def folder_for_all() -> Iterator[Path]:
    """A new folder that everybody may go into: pytest's own are for whoever runs it."""
    with tempfile.TemporaryDirectory(prefix="pyarchive-rights-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
