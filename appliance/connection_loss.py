"""What the removal of a connection would mean for the archives; nothing is changed."""

from __future__ import annotations

from heapq import nlargest

from appliance.connections import Connection, Connections
from appliance.errors import Refused
from appliance.library import Library
from appliance.views import View
from mqtt.view_answers import ConnectionRemoval, LostCopy

_EXAMPLES = 20


def removal_of(connection: Connection, connections: Connections, library: Library) -> ConnectionRemoval:
    """O(archives)."""
    there = [view for view in library.all_views() if (here := view.standings.get(connection.id)) and here.batches_stored]
    only = [view for view in there if connections.is_only_copy(view.archive.id, connection.id)]
    valid = library.valid - {connection.id}
    at_risk = [view for view in there if not view.archive.removed_at and view.at_risk_bytes(valid) > view.at_risk_bytes(library.valid)]
    return ConnectionRemoval(
        connection_id=connection.id, name=connection.name, active=connection.active, archives=len(there),
        stored_bytes=sum(view.standings[connection.id].stored_bytes for view in there), only_there=len(only), only_there_bytes=_size(only),
        at_risk=len(at_risk), at_risk_bytes=sum(view.at_risk_bytes(valid) for view in at_risk),
        examples=(_largest(only) + _largest(at_risk))[:_EXAMPLES], refused=_refusal(connection, connections),
    )  # fmt: skip


def _refusal(connection: Connection, connections: Connections) -> str | None:
    try:
        connections.refuse_only_copies(connection.id)
    except Refused as error:
        return str(error)
    return None


def _size(views: list[View]) -> int:
    return sum(view.archive.size_bytes for view in views)


def _largest(views: list[View]) -> list[LostCopy]:
    return [
        LostCopy(archive_id=archive.id, title=archive.title, owner=archive.owner, size_bytes=archive.size_bytes)
        for archive in (view.archive for view in nlargest(_EXAMPLES, views, key=lambda view: view.archive.size_bytes))
    ]
