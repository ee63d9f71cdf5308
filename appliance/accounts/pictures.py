"""Pictures of users: three kinds that browsers show and that cannot carry a program, told by their first bytes."""

from __future__ import annotations

import base64
import binascii

from appliance.errors import BadRequest

PICTURES = "pictures"
MAX_BYTES = 64 * 1024


def read_picture(text: str) -> dict[str, str]:
    """The document of a picture that came in base64. Raises BadRequest."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("the picture is not base64; choose the file again") from None
    if len(content) > MAX_BYTES:
        raise BadRequest(f"the picture has {len(content):,} bytes, more than {MAX_BYTES:,}; choose a smaller one")
    return {"media_type": _media_type(content), "base64": base64.b64encode(content).decode()}


def _media_type(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    raise BadRequest("the picture is neither PNG nor JPEG nor WebP; choose another one")
