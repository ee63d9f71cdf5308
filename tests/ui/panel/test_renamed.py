"""A panel whose appliance takes another id, as a recovery does."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from mqtt.client import Broker
from mqtt.topics import Topics
from tests.brokers import Embedded, free_port
from tests.waiting import wait_for


def test_the_panel_follows_an_appliance_that_goes_on_under_another_id(tmp_path: Path) -> None:
    broker, port = Embedded(), free_port()
    (tmp_path / "appliance_id").write_text("first-house\n")
    address = broker.address
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")} | {
        "PYARCHIVE_DATA": str(tmp_path), "PYARCHIVE_CONFIG": os.devnull, "PYARCHIVE_MQTT_HOST": address.host,
        "PYARCHIVE_MQTT_PORT": str(address.port), "PYARCHIVE_MQTT_USERNAME": str(address.username),
        "PYARCHIVE_MQTT_PASSWORD": str(address.password), "PYARCHIVE_PANEL_PORT": str(port),
    }  # fmt: skip
    second = Topics("second-house")
    appliance = Broker(address, second, client_id="second", retry_min_s=0.1, retry_max_s=1.0)
    panel = subprocess.Popen([sys.executable, "-m", "ui.panel"], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _health(port), 30, "the panel to serve")
        appliance.start()
        appliance.publish(second.availability, b"online", retain=True)
        (tmp_path / "appliance_id").write_text("second-house\n")
        wait_for(lambda: "online" in _health(port), 30, "the panel to reach the appliance under its new id")
        assert panel.poll() is None, "the same process, so that whoever watches it sees no end"
    finally:
        panel.terminate()
        panel.wait(10)
        appliance.stop(1.0)
        broker.stop()


def _health(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
