"""A house with a real Home Assistant: Mosquitto that keeps nothing, an appliance, and the program that its users have."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from mqtt.client import BrokerAddress

VARIABLE = "PYARCHIVE_TEST_HOME_ASSISTANT"
DOCS = Path(__file__).resolve().parents[2] / "docs/home-assistant"
_MORE_CONFIGURATION = """\
automation: !include automations.yaml
script: !include scripts.yaml
lovelace:
  dashboards:
    pyarchive-dashboard:
      mode: yaml
      title: Backup
      icon: mdi:shield-home
      filename: dashboard.yaml
input_boolean:
  player:
    name: Player
  shut_down:
    name: Shut down
"""


def bench() -> Any:
    """The module that starts a Home Assistant. Skips the test where nobody says which."""
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} does not name a Home Assistant bench (a Python file with a class HomeAssistant)")
    spec = importlib.util.spec_from_file_location("ha_bench", path)
    assert spec, path
    assert spec.loader, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def home_assistant(address: BrokerAddress, config: Path) -> Any:
    """Not started. Its configuration has our dashboard and blueprints, as a user would put them there."""
    module = bench()
    module.CONFIGURATION += _MORE_CONFIGURATION
    for kind in ("automation", "script"):
        folder = config / "blueprints" / kind / "pyarchive"
        folder.mkdir(parents=True)
        for blueprint in (DOCS / "blueprints" / kind).glob("*.yaml"):
            (folder / blueprint.name).write_text(blueprint.read_text())
    (config / "automations.yaml").write_text("[]\n")
    (config / "scripts.yaml").write_text("{}\n")
    (config / "dashboard.yaml").write_text((DOCS / "dashboard.yaml").read_text())
    return module.HomeAssistant(f"{address.host}:{address.port}", address.username, address.password, config=config)
