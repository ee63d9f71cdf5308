"""A remote around a remote, some of whose calls a test scripts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from appliance.remotes.remote import Remote


class Around:
    """``calls[name](inner, *arguments)`` is done in place of ``inner.name(*arguments)``; all else goes through. May change any time.

    Hand ``around`` to ``Inside`` as ``wrap``.
    """

    def __init__(self, calls: dict[str, Callable[..., Any]] | None = None) -> None:
        self.calls = calls or {}
        self._inner: Remote | None = None

    def around(self, inner: Remote) -> Remote:
        """One remote each."""
        wrapped = Around()
        wrapped.calls, wrapped._inner = self.calls, inner
        return cast("Remote", wrapped)

    def __getattr__(self, name: str) -> Any:
        scripted = self.calls.get(name)
        return partial(scripted, self._inner) if scripted else getattr(self._inner, name)
