"""TLS with an authority of one's own: on the network's listener, and towards the other broker of a bridge."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from mqtt.topics import Topics
from tests.brokers import HOST
from tests.conftest import MakeBroker
from tests.installed import Installed
from tests.mqtt.listening import Ear
from tests.mqtt.mosquitto.conftest import Install
from tests.waiting import wait_for


class Papers:
    """An authority, and a certificate of it for a broker."""

    def __init__(self, folder: Path, *names: str) -> None:
        folder.mkdir()
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(self.authority)
        issued = authority.issue_cert(*names)
        issued.private_key_pem.write_to_path(self.key)
        self.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))

    def give_to(self, installed: Installed) -> None:
        """Mosquitto reads them as its own user."""
        place = installed.own_folder("papers")
        for name in ("certificate", "key", "authority"):
            copy = place / f"{name}.pem"
            copy.write_bytes(getattr(self, name).read_bytes())
            copy.chmod(0o600)
            installed.give(copy)
            setattr(self, name, copy)


@pytest.fixture
def secured(install: Install, tmp_path: Path) -> tuple[Installed, Papers]:
    installed, papers = install(start=False), Papers(tmp_path / "ours", HOST)
    public = papers.authority.read_bytes()
    papers.give_to(installed)
    installed.configure(tls_certificate=str(papers.certificate), tls_key=str(papers.key))
    installed.start()
    papers.authority = tmp_path / "authority.pem"
    papers.authority.write_bytes(public)
    return installed, papers


def test_our_client_gets_in_with_the_right_authority(secured: tuple[Installed, Papers], topics: Topics, make_broker: MakeBroker) -> None:
    installed, papers = secured
    appliance, ear = make_broker(installed.address_of("appliance")), Ear()
    client = make_broker(installed.address_of("homeassistant", lan=True, tls_ca=papers.authority))
    appliance.publish(topics("event"), bytes(200_000), retain=True)
    client.subscribe(topics("event"), ear)
    ear.wait_for(bytes(200_000))


@pytest.mark.parametrize(
    ("authority", "said"),
    [("another", "no secure connection"), ("missing", "is missing"), ("none", "closed the connection"), ("broken", "cannot be reached")],
)
def test_without_it_we_stay_out_and_say_why(
    secured: tuple[Installed, Papers], tmp_path: Path, make_broker: MakeBroker, authority: str, said: str
) -> None:
    installed, _ = secured
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    given = {"another": Papers(tmp_path / "theirs", HOST).authority, "missing": tmp_path / "no.pem", "none": None, "broken": broken}
    client = make_broker(installed.address_of("homeassistant", lan=True, tls_ca=given[authority]), wait=False)
    assert said in str(wait_for(lambda: client.last_error))
    assert not client.connected


def test_a_certificate_for_another_name_is_refused(install: Install, tmp_path: Path, make_broker: MakeBroker) -> None:
    installed, papers = install(start=False), Papers(tmp_path / "ours", "elsewhere.example")
    public = tmp_path / "authority.pem"
    public.write_bytes(papers.authority.read_bytes())
    papers.give_to(installed)
    installed.configure(tls_certificate=str(papers.certificate), tls_key=str(papers.key))
    installed.start()
    client = make_broker(installed.address_of("homeassistant", lan=True, tls_ca=public), wait=False)
    assert "no secure connection" in str(wait_for(lambda: client.last_error))
