"""Every verb of the contract has a handler, and no handler is without a verb."""

from __future__ import annotations

from appliance.handlers import Handlers
from mqtt.verbs import VERBS


def test_every_verb_has_a_handler_and_every_handler_a_verb() -> None:
    names = {"_" + verb.replace("/", "_").replace("-", "_") for verb in VERBS}
    groups = tuple({f"_{verb.partition('/')[0]}_" for verb in VERBS})
    handlers = {name for name in vars(Handlers) if name.startswith(groups)}
    assert names - handlers == set()
    assert handlers - names - {"_connection_state"} == set()
