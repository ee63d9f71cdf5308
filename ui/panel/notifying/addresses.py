"""Addresses of services, as the library apprise writes them, from what people know. Pure; the appliance checks and keeps them."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

NTFY = "ntfy.sh"


def mail(*, server: str, user: str, password: str, to: str, secure: bool = True) -> str:
    """Sent by the account's own mail server; ``to`` may name several, with commas. Raises ValueError."""
    if not server or not to:
        raise ValueError("the mail server and at least one address are needed")
    login = f"{_part(user)}:{_part(password)}@" if user else ""
    fields = {"to": ",".join(one.strip() for one in to.split(",") if one.strip())}
    if "@" in user:
        fields["from"] = user
    return f"{'mailtos' if secure else 'mailto'}://{login}{_host(server)}?{urlencode(fields)}"


def ntfy(*, server: str, topic: str, token: str = "") -> str:
    """The public server where none is named. Raises ValueError."""
    if not topic:
        raise ValueError("the topic is needed: the word under which your phone subscribes")
    login = f"{_part(token)}@" if token else ""
    scheme, host = _scheme_and_host(server or f"https://{NTFY}")
    return f"{'ntfys' if scheme == 'https' else 'ntfy'}://{login}{host}/{_part(topic)}"


def webhook(url: str) -> str:
    """A POST with JSON to this address. Raises ValueError."""
    found = urlsplit(url)
    if found.scheme not in {"http", "https"} or not found.netloc:
        raise ValueError("a webhook's address begins with https:// or http://")
    query = f"?{found.query}" if found.query else ""
    return f"{'jsons' if found.scheme == 'https' else 'json'}://{found.netloc}{found.path or '/'}{query}"


def _scheme_and_host(server: str) -> tuple[str, str]:
    scheme, separator, rest = server.partition("://")
    return (scheme.lower(), _host(rest)) if separator else ("https", _host(server))


def _host(server: str) -> str:
    host = server.strip().strip("/")
    if not host or any(sign in host for sign in "/?#@ "):
        raise ValueError(f"{server[:60]!r} is no name of a server")
    return host


def _part(text: str) -> str:
    return quote(text, safe="")
