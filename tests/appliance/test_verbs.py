"""Every verb of the contract has a handler, and no handler is without a verb."""

from __future__ import annotations

from pathlib import Path

from mqtt.verbs import VERBS
from tests.inside import Inside


def test_every_verb_has_a_handler_and_every_handler_a_verb(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        assert inside.app.handlers.table.keys() == VERBS.keys()
