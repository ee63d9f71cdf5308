"""The broker: is it there, does it know us, and does it let everybody do what is theirs and no more?"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace

from mqtt.client import Broker, BrokerAddress
from mqtt.contract import Login
from mqtt.mosquitto import render
from mqtt.mosquitto.choices import BadChoice, Choices, kept
from mqtt.topics import Topics
from ui.client_settings import ClientSettings
from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.doctor.place import BROKER_FOLDER
from ui.doctor.told import connects
from ui.words import clean

WRITE_ANEW = "sudo systemctl restart mosquitto (it writes them anew); if that does not help: sudo ./install.sh"
_TRY_S, _ECHO_S = 2.0, 1.0


def login(case: Case) -> Iterator[Finding]:
    """Whether we get in; the appliance may be dead."""
    told = case.told
    if told.connected and case.settings:
        yield good("broker login", f"the broker at {_where(case.settings)} answers, and takes our login")
    elif not case.allowed:
        yield skipped("broker login", "how the broker is reached may not be read by you; root sees more: sudo pyarchive doctor")
    elif case.settings is None:
        yield mend("broker login", f"the broker was not found: {clean(told.why_not)}", "pyarchive doctor --data DIR")
    else:
        why, _, _ = told.why_not.partition(" (address from ")
        yield mend("broker login", f"{clean(why)} (address from {clean(case.settings.source)})", _start(case))


def _start(case: Case) -> str:
    if case.place.installed:
        return "sudo systemctl restart mosquitto; if that does not help: journalctl -u mosquitto -n 50"
    return "start the demo again: pyarchive demo" if case.place.kind == "demo" else "start the broker"


def strangers(case: Case) -> Iterator[Finding]:
    """Nobody without a login gets in."""
    if case.settings is None or not case.told.connected:
        yield skipped("strangers", "whether strangers get in cannot be tried: no broker answers")
    elif _gets_in(case.settings, username=None, password=None):
        yield mend("strangers", "the broker lets in whoever comes, without a login", _write(case))
    else:
        yield good("strangers", "without a login nobody gets in")


def rights(case: Case) -> Iterator[Finding]:
    """Tried with our own login: it must hear the appliance, and must not speak for it."""
    if case.settings is None or not case.told.connected:
        yield skipped("rights tried", "whether rights hold cannot be tried: no broker answers")
        return
    if case.settings.username != Login.CLI:
        yield skipped(
            "rights tried", f"the login here is {clean(case.settings.username or 'none')}, which may do everything: as in every demo"
        )
        return
    hears = bool(case.told.messages)
    if _may_speak_for_the_appliance(case.settings):
        yield mend("rights tried", "the login `cli` may write what is the appliance's alone: the rights are not in force", WRITE_ANEW)
    elif not hears:
        yield mend("rights tried", "the login `cli` hears nothing of the appliance: its rights are those of another id", WRITE_ANEW)
    else:
        yield good("rights tried", "the login `cli` hears the appliance, and cannot speak for it")


def _may_speak_for_the_appliance(settings: ClientSettings) -> bool:
    """By a topic that nobody listens to and that only the appliance may write; not retained, so nothing stays."""
    topics, came = Topics(settings.appliance_id), threading.Event()
    topic = topics(f"appliance/doctor-{secrets.token_hex(8)}")
    broker = Broker(_address(settings), topics, client_id=f"pyarchive-doctor-{secrets.token_hex(6)}")
    broker.subscribe(topic, lambda *_: came.set())
    broker.start()
    try:
        if not broker.wait_connected(_TRY_S):
            return False
        broker.publish(topic, b"{}", retain=False)
        return came.wait(_ECHO_S)
    finally:
        broker.stop(0.5)


def files(case: Case) -> Iterator[Finding]:
    """Mosquitto's rights as they are written, against what this version writes for this appliance."""
    if not case.place.installed:
        yield skipped("rights written", "this is no installed system: it has no Mosquitto of its own")
        return
    appliance_id = case.machine.text(case.place.data / "appliance_id") or ""
    for listener in render.listeners(_choices(case)):
        name = f"acl-{listener.name}"
        text = case.machine.text(BROKER_FOLDER / name)
        expected = render.acl_file(Topics(appliance_id), listener.logins).strip() if appliance_id else None
        yield _of_file(name, text, expected, appliance_id)


def _of_file(name: str, text: str | None, expected: str | None, appliance_id: str) -> Finding:
    path = BROKER_FOLDER / name
    if text is None:
        return mend(name, f"{path} is missing", WRITE_ANEW)
    if appliance_id and f"pyarchive/{appliance_id}/" not in text:
        return mend(
            name, f"{path} has the rights of another appliance, not of {appliance_id} (a recovery takes the old id over)", WRITE_ANEW
        )
    if text != expected:
        return mend(name, f"{path} is not what this version writes", WRITE_ANEW)
    return good(name, f"{path} has the rights of this appliance")


def lan(case: Case) -> Iterator[Finding]:
    """On the network Home Assistant alone gets in."""
    if not case.place.installed:
        yield skipped("lan", "the broker of a demo is for this computer alone")
        return
    choices = _choices(case)
    if not choices.has_lan:
        yield good("lan", "the broker does not listen to the network")
        return
    if choices.tls_certificate or case.settings is None or not case.told.connected:
        why = "it speaks TLS" if choices.tls_certificate else "no broker answers"
        yield skipped("lan", f"who gets in from the network is not tried: {why}")
        return
    host = "127.0.0.1" if choices.lan_address == "all" else choices.lan_address
    there = replace(case.settings, host=host, port=choices.lan_port, tls_ca=None)
    if _gets_in(there, username=None, password=None) or _gets_in(there, username=there.username, password=there.password):
        yield mend("lan", f"from the network (port {choices.lan_port}) others than Home Assistant get in", WRITE_ANEW)
    else:
        yield good("lan", f"from the network (port {choices.lan_port}) our own logins are refused: it is for Home Assistant alone")
    yield look("lan without tls", "Home Assistant's password can be read on the network: its listener is without TLS",
               "docs/broker.md, TLS on the LAN; or leave it, where everybody on the network is trusted")  # fmt: skip


def _choices(case: Case) -> Choices:
    try:
        return Choices(**kept(case.machine.at(BROKER_FOLDER)))
    except BadChoice:
        return Choices()


def _gets_in(settings: ClientSettings, *, username: str | None, password: str | None) -> bool:
    address = replace(_address(settings), username=username, password=password)
    return connects(Broker(address, Topics(settings.appliance_id), client_id=f"pyarchive-doctor-{secrets.token_hex(6)}"), _TRY_S)


def _address(settings: ClientSettings) -> BrokerAddress:
    return BrokerAddress(
        host=settings.host, port=settings.port, username=settings.username, password=settings.password, tls_ca=settings.tls_ca
    )


def _where(settings: ClientSettings) -> str:
    return f"{settings.host}:{settings.port}"


def _write(case: Case) -> str:
    return WRITE_ANEW if case.place.installed else "give it a list of users (see docs/broker.md)"


def credentials(case: Case) -> Iterator[Finding]:
    """Whose id our own login file names: after a recovery the appliance has another."""
    if not case.place.installed:
        return
    path = BROKER_FOLDER / "credentials/cli.toml"
    text, appliance_id = case.machine.text(path), case.machine.text(case.place.data / "appliance_id")
    if text is None:
        yield mend("cli login", f"{path} is missing: the command cannot log in", WRITE_ANEW)
    elif appliance_id and f'appliance_id = "{appliance_id}"' not in text:
        yield mend("cli login", f"{path} is of another appliance, not of {appliance_id}", WRITE_ANEW)
    else:
        yield good("cli login", f"{path} is of this appliance")
