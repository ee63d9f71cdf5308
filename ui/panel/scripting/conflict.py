"""Somebody else saved the script meanwhile."""

from __future__ import annotations

from typing import Any

from ui.panel import parts
from ui.panel.scripting import difference
from ui.panel.scripting.source import Source


async def save_mine(theirs: dict[str, Any], mine: Source) -> bool:
    """Whether the reader wants the own source to be the newest version; the other one stays among the versions."""
    words = (
        f"Version {theirs['version']} was saved by {theirs['saved_by']} while you wrote. Below is what your source changes in it. "
        "If you save yours, theirs stays among the versions; if you cancel, nothing is saved, and what you wrote stays here."
    )
    return await parts.confirm(
        "Somebody else saved this script",
        words,
        "Save mine on top",
        more=lambda: difference.show(Source.of_base64(theirs["source_base64"]), mine),
    )
