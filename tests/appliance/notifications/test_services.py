"""What may be an address for notifications, and what of one may be shown."""

from __future__ import annotations

import pytest

from appliance.errors import BadRequest
from appliance.notifications.services import SERVICES, checked, shown
from tests.inside import Inside

SECRET = "s3cr3t-t0ken"


@pytest.mark.parametrize(
    ("url", "kind", "host"),
    [
        (f"mailtos://me:{SECRET}@example.org:587?smtp=smtp.example.org&to=you@example.net", "Mail", "example.org"),
        (f"ntfy://{SECRET}", "ntfy", "ntfy.sh"),
        (f"ntfys://user:{SECRET}@push.example.org/{SECRET}", "ntfy", "push.example.org"),
        (f"jsons://hooks.example.org:8443/{SECRET}?+X-Token={SECRET}", "Webhook", "hooks.example.org"),
        (f"tgram://{SECRET}/12345", "Telegram", "api.telegram.org"),
        (f"slack://{SECRET}/{SECRET}/{SECRET}", "Slack", "slack.com"),
        (f"matrix://{SECRET}", "Matrix", None),
        (f"matrixs://me:{SECRET}@matrix.example.org/!room", "Matrix", "matrix.example.org"),
        (f"gotify://gotify.local/{SECRET}", "Gotify", "gotify.local"),
    ],
)
def test_kind_and_host_are_shown_and_never_what_is_secret(url: str, kind: str, host: str | None) -> None:
    assert shown(checked(url)) == (kind, host)
    assert SECRET not in str(shown(url))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "dbus://", "glib://", "syslog://", "gnome://", "macosx://", "windows://", "mqtt://localhost/x", "rsyslog://h",
        "apprise://h/t", "blink1://", "growl://h", "smpp://h", "vapid://x", "https://discord.com/api/webhooks/1/x", "x", "", "json://",
        "json://[bad", "json://ho\nst/", "json://h/" + "x" * 3000,
        f"discord://id/{SECRET}?template=/etc/passwd", f"slack://{SECRET}/b/c?TEMPLATE=/x", f"ntfy://h/t?attach=file:///{SECRET}",
        f"mailto://u:{SECRET}@h?pgpkey=/etc/x", "json://h/?include=/etc/passwd", "discord://a/b?:extra=1",
    ],
)  # fmt: skip
def test_what_acts_on_this_computer_or_reads_its_files_is_refused_without_telling_the_address(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(url)
    assert SECRET not in str(refused.value)


def test_an_address_is_in_no_answer_log_topic_or_repr(tmp_path: object, caplog: pytest.LogCaptureFixture, inside: Inside) -> None:
    added = inside.ask("notification/add", url=f"json://127.0.0.1:9/{SECRET}", name="Hook")
    with pytest.raises(Exception, match="Hook was not told: nobody listens there") as failed:
        inside.ask("notification/test", id=added["id"])
    told = [str(added), str(inside.ask("notification/list")), str(failed.value), repr(inside.app.targets.all()), caplog.text]
    told += [payload.decode() for payload in [*inside.outbox.retained.values(), *inside.outbox.events]]
    told += [str(list(inside.app.db.table(name).items())) for name in inside.app.db.tables()]
    assert not [text for text in told if SECRET in text]
    path = inside.data / "secrets" / "notifications.json"
    assert SECRET in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_service_is_known_to_the_library_and_speaks_over_the_network() -> None:
    import apprise  # noqa: PLC0415 - only here it is worth its memory

    plugins = apprise.Apprise().details()["schemas"]
    known = {scheme for plugin in plugins for which in ("protocols", "secure_protocols") for scheme in plugin[which] or ()}
    assert SERVICES.keys() <= known
