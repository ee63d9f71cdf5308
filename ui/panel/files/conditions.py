"""Conditional requests (RFC 9110, section 13) for a file whose content never changes: its ETag is its SHA-256."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.datastructures import Headers

_TAGS = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells this content from any other. ``modified_at`` is UTC, of whole seconds."""

    sha256: str
    modified_at: datetime

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'

    @property
    def last_modified(self) -> str:
        return format_datetime(self.modified_at, usegmt=True)

    def refused(self, headers: Headers) -> int | None:
        """412 or 304 where the conditions say so, in the RFC's order (13.2.2); None where the content is to be sent."""
        match, none_match = _line(headers, "if-match"), _line(headers, "if-none-match")
        if match is not None:
            if not self._named_in(match, strong=True):
                return 412
        elif (since := _date(headers, "if-unmodified-since")) and self.modified_at > since:
            return 412
        if none_match is not None:
            return 304 if self._named_in(none_match, strong=False) else None
        since = _date(headers, "if-modified-since")
        return 304 if since and self.modified_at <= since else None

    def may_be_ranged(self, headers: Headers) -> bool:
        """If-Range: whether whoever asks for a part has the rest of this very content, or did not care."""
        known = headers.get("if-range")
        if known is None:
            return True
        if '"' in known:
            return known.strip() == self.etag
        return _date(headers, "if-range") == self.modified_at

    def _named_in(self, line: str, *, strong: bool) -> bool:
        if line.strip() == "*":
            return True
        tags = _TAGS.findall(line)
        return self.etag in (tags if strong else [tag.removeprefix("W/") for tag in tags])


def _line(headers: Headers, name: str) -> str | None:
    """A list may come in several lines, which are one."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


def _date(headers: Headers, name: str) -> datetime | None:
    """None where it is not there, or no date in GMT: such a condition does not count."""
    try:
        date = parsedate_to_datetime(headers.get(name, ""))
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else None
