"""What is printed may be shown to strangers: no secrets, and of an e-mail address no more than says which one is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HIDDEN = "(hidden)"
_SHAPES = (
    re.compile(r"ya29\.[\w.-]+"),  # access token of Google
    re.compile(r"\b1//[\w-]{8,}"),  # refresh token
    re.compile(r"GOCSPX-[\w-]+"),  # secret of an OAuth client
    re.compile(r"(?<=://)[^/\s@]+:[^/\s@]+(?=@)"),  # user and password in an address
    re.compile(r"(?<=[?&])[\w.-]+=[^&\s]+"),  # an upload session is good for whoever knows its address
    re.compile(r"(?i)\bbearer\s+\S+"),
    re.compile(r"(?i)(?<=password[=:])\s*\S+"),
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL),
)
_ADDRESS = re.compile(r"\b([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)")
_SHORTEST = 6


class Redaction:
    """``secrets``: those that we know. What merely looks like one goes too."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        # The longest first: one may be part of another.
        self._secrets = sorted({secret for secret in secrets if secret and len(secret) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        for shape in _SHAPES:
            text = shape.sub(_HIDDEN, text)
        return _ADDRESS.sub(r"\1…@\2", text)
