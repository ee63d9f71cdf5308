"""Which services may be told, and what of a target may be shown. Pure.

A target is a URL as the library apprise reads it, and a secret as a whole: of many services even what stands in the host's place is a
token. The library knows far more services; allowed is what speaks to somebody over the network. What acts on this computer (a desktop's
messages, the system's log, USB lamps, a broker), and what would read a file here (templates, attachments, keys), is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from appliance.errors import BadRequest

_IN_URL = "in the URL"
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Service:
    """``host``: a name that is always the same, or that it stands in the URL."""

    kind: str
    host: str


def _own(kind: str) -> Service:
    return Service(kind, _IN_URL)


SERVICES = {
    "mailto": _own("Mail"), "mailtos": _own("Mail"), "ntfy": _own("ntfy"), "ntfys": _own("ntfy"), "gotify": _own("Gotify"),
    "gotifys": _own("Gotify"), "json": _own("Webhook"), "jsons": _own("Webhook"), "xml": _own("Webhook"), "xmls": _own("Webhook"),
    "form": _own("Webhook"), "forms": _own("Webhook"), "matrix": _own("Matrix"), "matrixs": _own("Matrix"), "mmost": _own("Mattermost"),
    "mmosts": _own("Mattermost"), "rocket": _own("Rocket.Chat"), "rockets": _own("Rocket.Chat"), "nctalk": _own("Nextcloud Talk"),
    "nctalks": _own("Nextcloud Talk"), "signal": _own("Signal"), "signals": _own("Signal"),
    "tgram": Service("Telegram", "api.telegram.org"), "discord": Service("Discord", "discord.com"), "slack": Service("Slack", "slack.com"),
    "pover": Service("Pushover", "api.pushover.net"), "pbul": Service("Pushbullet", "api.pushbullet.com"),
    "threema": Service("Threema", "threema.ch"),
}  # fmt: skip

_PARAMETERS = frozenset({
    "to", "from", "name", "cc", "bcc", "reply", "smtp", "user", "pass", "mode", "format", "priority", "tags", "tag", "token", "auth",
    "click", "verify", "rto", "cto", "title", "topic", "thread", "footer", "method", "version", "channel", "device", "sound",
    "silent", "preview", "overflow", "emojis", "msgtype", "email", "icon", "image", "avatar", "delay", "actions", "url",
})  # fmt: skip
_OWN_PREFIXES = (":", "+", "-")
"""Of a webhook's own fields and headers."""


def checked(url: str) -> str:
    """The URL, if it may be a target. Raises BadRequest, in words that never tell it."""
    url = url.strip()
    parts = _split(url)
    if parts is None or parts.scheme not in SERVICES:
        raise BadRequest(
            "this is no address that can be notified; it begins with one of "
            f"{', '.join(sorted(f'{scheme}://' for scheme in SERVICES))}, as in ntfy://ntfy.sh/my-topic"
        )
    for part in filter(None, parts.query.split("&")):
        name = unquote(part.partition("=")[0])
        plain = name.lower()
        if plain not in _PARAMETERS and not (plain.startswith(_OWN_PREFIXES) and SERVICES[parts.scheme].kind == "Webhook"):
            raise BadRequest(f"the parameter {name[:32]!r} is not taken in a target; leave it out")
    return url


def _split(url: str) -> SplitResult | None:
    if len(url) > _LONGEST or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.netloc else None


def shown(url: str) -> tuple[str, str | None]:
    """Kind and host of a target that was checked; None where the host would tell a secret."""
    parts = urlsplit(url)
    service = SERVICES[parts.scheme]
    if service.host != _IN_URL:
        return service.kind, service.host
    if service.kind == "ntfy" and not parts.path.strip("/"):  # then the topic stands there
        return service.kind, "ntfy.sh"
    if service.kind == "Matrix" and "@" not in parts.netloc:  # then a token does
        return service.kind, None
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    return service.kind, host if _is_host(host) else None


def _is_host(text: str) -> bool:
    return bool(text) and len(text) <= 253 and all(part.isascii() and part.replace("-", "").isalnum() for part in text.split("."))  # noqa: PLR2004 - of DNS
