"""What is asked of connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance import access
from appliance.access import Caller
from appliance.connections import Connections
from appliance.errors import Refused
from appliance.handlers.table import handles
from appliance.integrity.emptying import Emptying
from appliance.integrity.remote_trash import RemoteTrash
from appliance.jobs import Jobs
from appliance.names import clean_title
from appliance.recovery.recovery import Recovery
from appliance.sign_in import SignIns
from appliance.states import States
from appliance.transfer.engine import Engine
from mqtt import verbs


@dataclass(frozen=True, slots=True)
class ConnectionVerbs:
    """``connection/…``."""

    connections: Connections
    engine: Engine
    jobs: Jobs
    states: States
    sign_ins: SignIns
    emptying: Emptying
    remote_trash: RemoteTrash
    recovery: Recovery

    def _connection_state(self, connection_id: str) -> Any:
        state = self.states.connection(connection_id)
        return state.model_dump(mode="json") if state else None

    @handles(verbs.ConnectionAdd)
    def connection_add(self, asked: verbs.ConnectionAdd) -> Any:
        return {"id": self._added(asked)}

    def _added(self, asked: verbs.ConnectionAdd) -> str:
        name = clean_title(asked.name)
        return self.connections.add(asked.kind, name, path=asked.path, credentials=asked.credentials, folder_id=asked.folder_id)

    @handles(verbs.ConnectionCredentials)
    def connection_credentials(self, asked: verbs.ConnectionCredentials) -> Any:
        connection = self.connections.change_credentials(self.connections.find(asked.connection).id, asked.credentials)
        self.sign_ins.forget(connection.id)
        return self._connection_state(connection.id)

    @handles(verbs.ConnectionSignIn)
    def connection_sign_in(self, asked: verbs.ConnectionSignIn) -> Any:
        connection = self.connections.find(asked.connection)
        return self.sign_ins.start(connection.id, self.connections.credentials(connection.id))

    @handles(verbs.ConnectionClaim)
    def connection_claim(self, asked: verbs.ConnectionClaim) -> Any:
        connection = self.connections.find(asked.connection)
        confirm(connection.name, asked.confirm)
        claimed = self.connections.claim(connection.id)
        self.recovery.give_up(claimed.id)
        return self._connection_state(claimed.id)

    @handles(verbs.ConnectionList)
    def connection_list(self, _asked: verbs.ConnectionList, caller: Caller) -> Any:
        states = (self._connection_state(connection.id) for connection in self.connections.all())
        return {"connections": [access.shown_connection(state, caller) for state in states]}

    @handles(verbs.ConnectionShow)
    def connection_show(self, asked: verbs.ConnectionShow, caller: Caller) -> Any:
        return access.shown_connection(self._connection_state(self.connections.find(asked.connection).id), caller)

    @handles(verbs.ConnectionValidate)
    def connection_validate(self, asked: verbs.ConnectionValidate) -> Any:
        connection = self.connections.validate(self.connections.find(asked.connection).id)
        self.engine.lines.succeeded(connection.id)
        self.sign_ins.forget_failure(connection.id)
        self.connections.look()
        return self._connection_state(connection.id)

    @handles(verbs.ConnectionActivate)
    def connection_activate(self, asked: verbs.ConnectionActivate) -> Any:
        return self._connection_state(self.connections.activate(self.connections.find(asked.connection).id).id)

    @handles(verbs.ConnectionRename)
    def connection_rename(self, asked: verbs.ConnectionRename) -> Any:
        connection = self.connections.find(asked.connection)
        return self._connection_state(self.connections.rename(connection.id, clean_title(asked.name)).id)

    @handles(verbs.ConnectionRemove)
    def connection_remove(self, asked: verbs.ConnectionRemove) -> Any:
        connection_id = self.connections.find(asked.connection).id
        self.connections.remove(connection_id)
        self.sign_ins.forget(connection_id)
        return {}

    @handles(verbs.ConnectionEmpty)
    def connection_empty(self, asked: verbs.ConnectionEmpty) -> Any:
        connection = self.connections.find(asked.connection)
        if asked.confirm is not None:
            confirm(connection.name, asked.confirm)
        dry_run = asked.confirm is None
        what = f"emptying of {connection.name}" + (" (dry run)" if dry_run else "")
        return {"job_id": self.jobs.submit(what, lambda job: self.emptying.run(connection.id, job, dry_run=dry_run)).id}

    @handles(verbs.ConnectionTrash)
    def connection_trash(self, asked: verbs.ConnectionTrash) -> Any:
        connection = self.connections.find(asked.connection)
        what = f"{'emptying of' if asked.purge else 'look into'} the trash of {connection.name}"
        return {"job_id": self.jobs.submit(what, lambda job: self.remote_trash.run(connection.id, job, purge=asked.purge)).id}


def confirm(name: str, typed: str) -> None:
    """What cannot be taken back easily is confirmed by typing its name. Raises Refused."""
    if typed != name:
        raise Refused(f"to confirm, type the connection's name: {name!r}")
