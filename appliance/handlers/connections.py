"""What is asked of connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance import access, clock
from appliance.access import Caller
from appliance.connection_loss import removal_of
from appliance.connections import Connections
from appliance.errors import NotFound, Refused
from appliance.handlers.table import handles
from appliance.integrity.emptying import Emptying
from appliance.integrity.remote_trash import RemoteTrash
from appliance.jobs import Jobs
from appliance.library import Library
from appliance.names import clean_title
from appliance.recovery.recovery import Recovery
from appliance.recovery_kit import recovery_kit
from appliance.sign_in import SignIns
from appliance.states import States
from appliance.transfer.engine import Engine
from mqtt import verbs, view_verbs
from mqtt.messages import Rung
from mqtt.view_answers import ConnectionRemoval, RecoveryKit, SignInState


@dataclass(frozen=True, slots=True)
class ConnectionVerbs:
    """``connection/…``."""

    library: Library
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

    @handles(verbs.ConnectionCancelSignIn)
    def connection_cancel_sign_in(self, asked: verbs.ConnectionCancelSignIn) -> Any:
        connection = self.connections.find(asked.connection)
        self.sign_ins.forget(connection.id)
        return self._connection_state(connection.id)

    @handles(view_verbs.ConnectionSignInState)
    def connection_sign_in_state(self, asked: view_verbs.ConnectionSignInState) -> SignInState:
        return self.sign_ins.progress(self.connections.find(asked.connection).id)

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

    @handles(view_verbs.ConnectionRemovalPreview)
    def connection_removal(self, asked: view_verbs.ConnectionRemovalPreview) -> ConnectionRemoval:
        return removal_of(self.connections.find(asked.connection), self.connections, self.library)

    @handles(view_verbs.ConnectionRecoveryKit)
    def connection_recovery_kit(self, asked: view_verbs.ConnectionRecoveryKit) -> RecoveryKit:
        connection = self.connections.find(asked.connection)
        state = self.states.connection(connection.id)
        if state is None:
            raise NotFound(f"the connection {connection.name!r} was removed just now")
        views = [view for view in self.library.all_views() if not view.archive.removed_at]
        whole = [view for view in views if (here := view.standings.get(connection.id)) and here.rung in {Rung.REMOTE, Rung.PROVEN}]
        return recovery_kit(
            connection, state, appliance_id=self.library.folder.appliance_id, archives=len(whole),
            size_bytes=sum(view.archive.size_bytes for view in whole), at=clock.now(),
        )  # fmt: skip

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
