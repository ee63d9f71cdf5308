"""The request verbs: a table from verb to what is done and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from appliance import access, clock
from appliance.connections import Connections
from appliance.errors import BadRequest, NotFound, NotLocal, Refused
from appliance.intake.intake import Intake
from appliance.integrity.emptying import Emptying
from appliance.integrity.orphans import Orphans
from appliance.integrity.remote_trash import RemoteTrash
from appliance.integrity.tombstones import Tombstones
from appliance.integrity.verify import Verifier
from appliance.jobs import Jobs
from appliance.library import Library
from appliance.logs import RecentLines
from appliance.names import clean_title
from appliance.placement import Placement
from appliance.recovery.recovery import Recovery
from appliance.settings import SettingsStore
from appliance.sign_in import SignIns
from appliance.states import States
from appliance.transfer.engine import Engine
from appliance.views import View
from mqtt import verbs
from mqtt.messages import ArchiveState, Direction, Rung

_RUNGS = list(Rung)


@dataclass(frozen=True, slots=True)
class Handlers:
    """``execute`` is what the responder calls, on any of its threads."""

    library: Library
    connections: Connections
    settings: SettingsStore
    intake: Intake
    engine: Engine
    placement: Placement
    verifier: Verifier
    orphans: Orphans
    jobs: Jobs
    states: States
    lines: RecentLines
    set_paused: Callable[[bool], None]
    sign_ins: SignIns
    tombstones: Tombstones
    emptying: Emptying
    remote_trash: RemoteTrash
    recovery: Recovery

    def execute(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        """What the verb answers, ready for JSON. Raises ApplianceError, with the cause in words."""
        access.check(login, verb, parameters)
        shape = verbs.VERBS.get(verb)
        handler = getattr(self, "_" + verb.replace("/", "_").replace("-", "_"), None) if shape else None
        if shape is None or handler is None:
            raise NotFound(f"there is no request {verb[:64]!r}")
        try:
            asked = shape.model_validate(parameters)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadRequest(f"{verb}: {'.'.join(str(part) for part in first['loc']) or 'request'}: {first['msg']}") from None
        return handler(asked)

    # Archives

    def _archive_begin(self, asked: verbs.ArchiveBegin) -> Any:
        archive_id, path = self.intake.begin(asked.file_name, asked.size_bytes, asked.title, asked.owner)
        return {"archive_id": archive_id, "path": path}

    def _archive_commit(self, asked: verbs.ArchiveCommit) -> Any:
        self.intake.commit(asked.archive_id, asked.sha256)
        return {}

    def _archive_abort(self, asked: verbs.ArchiveAbort) -> Any:
        self.intake.abort(asked.archive_id)
        return {}

    def _archive_upload(self, asked: verbs.ArchiveUpload) -> Any:
        return asdict(self.intake.state(asked.archive_id))

    def _archive_list(self, asked: verbs.ArchiveList) -> Any:
        views = [view for view in self.library.all_views() if self._matches(view, asked)]
        views.sort(key=lambda view: self._sort_key(view, asked.sort), reverse=asked.descending)
        page = views[asked.offset : asked.offset + asked.limit]
        return {"archives": [self._shown(view) for view in page], "total": len(views)}

    def _matches(self, view: View, asked: verbs.ArchiveList) -> bool:
        archive = view.archive
        text = (asked.search or "").casefold()
        return (
            (archive.removed_at is not None) == asked.removed
            and (asked.owner is None or archive.owner == asked.owner)
            and (asked.rung is None or view.best(self.library.valid)[1] == asked.rung)
            and (not text or text in archive.title.casefold() or text in archive.file_name.casefold() or archive.id.startswith(text))
        )

    def _sort_key(self, view: View, sort: str) -> tuple[Any, str]:
        if sort == "rung":
            return _RUNGS.index(view.best(self.library.valid)[1]), view.archive.id
        value = getattr(view.archive, sort)
        return value.casefold() if isinstance(value, str) else value, view.archive.id

    def _shown(self, view: View) -> dict[str, Any]:
        return self.states.archive(view).model_dump(mode="json")

    def _state(self, archive_id: str) -> dict[str, Any]:
        return self._shown(self.library.view(archive_id))

    def _archive_show(self, asked: verbs.ArchiveShow) -> Any:
        return self._state(self.library.find(asked.archive, removed=None))

    def _archive_batches(self, asked: verbs.ArchiveBatches) -> Any:
        ledger = self.library.ledger(self.library.find(asked.archive, removed=None))
        connections = sorted(ledger.connections())
        batches = []
        for index in range(asked.offset, min(asked.offset + asked.limit, ledger.batch_count)):
            offset, size = ledger.range_of(index)
            stored = [connection for connection in connections if ledger.is_stored(connection, index)]
            batches.append(
                {"index": index, "offset_bytes": offset, "size_bytes": size, "sha256": ledger.batch_sha256(index).hex(),
                 "cached": ledger.is_cached(index), "stored": stored}
            )  # fmt: skip
        return {"batches": batches, "total": ledger.batch_count}

    def _archive_locate(self, asked: verbs.ArchiveLocate) -> Any:
        view = self.library.view(self.library.find(asked.archive))
        archive = view.archive
        if not view.local:
            raise NotLocal(
                f"{archive.title!r} was released, its content is only on a remote; `pyarchive restore {archive.id}` brings it back"
            )
        if view.cached < view.batches:
            raise NotLocal(
                f"{archive.title!r} is damaged on the appliance's disk and being mended; try again when `pyarchive show` says ok"
            )
        self.library.folder.check_store()
        return {
            "archive_id": archive.id, "path": str(self.library.local_file(archive)), "file_name": archive.file_name,
            "size_bytes": archive.size_bytes, "sha256": archive.sha256,
        }  # fmt: skip

    def _archive_rename(self, asked: verbs.ArchiveRename) -> Any:
        archive_id = self.library.find(asked.archive)
        self.library.rename(archive_id, clean_title(asked.title))
        return self._state(archive_id)

    def _archive_remove(self, asked: verbs.ArchiveRemove) -> Any:
        archive_id = self.library.find(asked.archive)
        return {"archive_id": archive_id, "undo_until_at": clock.iso(self.placement.remove(archive_id))}

    def _archive_undo(self, asked: verbs.ArchiveUndo) -> Any:
        archive_id = self.library.find(asked.archive, removed=None)
        self.placement.undo(archive_id)
        return self._state(archive_id)

    def _archive_release(self, asked: verbs.ArchiveRelease) -> Any:
        archive_id = self.library.find(asked.archive)
        title = self.library.archive(archive_id).title
        return {"job_id": self.jobs.submit(f"release of {title}", lambda job: self.placement.release(archive_id, job)).id}

    def _archive_restore(self, asked: verbs.ArchiveRestore) -> Any:
        archive_id = self.library.find(asked.archive)
        self.placement.restore(archive_id)
        return self._state(archive_id)

    def _archive_pin(self, asked: verbs.ArchivePin) -> Any:
        return self._pinned(asked.archive, pinned=True)

    def _archive_unpin(self, asked: verbs.ArchiveUnpin) -> Any:
        return self._pinned(asked.archive, pinned=False)

    def _pinned(self, archive: str, *, pinned: bool) -> Any:
        archive_id = self.library.find(archive)
        self.placement.pin(archive_id, pinned=pinned)
        return self._state(archive_id)

    # Transfers

    def _transfer_first(self, asked: verbs.TransferFirst) -> Any:
        archive_id = self.library.find(asked.archive)
        self.engine.put_first(archive_id, asked.position)
        return self._state(archive_id)

    def _transfer_usual(self, asked: verbs.TransferUsual) -> Any:
        archive_id = self.library.find(asked.archive)
        self.engine.order.drop(archive_id)
        return self._state(archive_id)

    def _transfer_list(self, asked: verbs.TransferList) -> Any:
        moving = [self.states.transfer(one) for _, one in sorted(self.engine.moving.items())]
        up, down = self.engine.pending()
        waiting = [self._waiting(archive_id, way) for way in Direction for archive_id in self.engine.waiting(way, asked.limit)]
        return {
            "moving": [one.model_dump(mode="json") for one in moving if one], "waiting": [w for w in waiting if w][: asked.limit],
            "waiting_total": up + down,
        }  # fmt: skip

    def _waiting(self, archive_id: str, direction: Direction) -> dict[str, Any] | None:
        view = self.library.views.get(archive_id)
        if view is None:
            return None
        state: ArchiveState = self.states.archive(view)
        here = view.standings.get(self.library.active or "")
        missing = view.batches - ((here.batches_stored if here else 0) if direction is Direction.UP else view.cached)
        wait = self.engine.why_waiting(archive_id)
        return {
            "archive_id": archive_id, "title": state.title, "direction": direction, "batches": missing,
            "bytes": min(state.size_bytes, missing * state.batch_bytes), "reason": state.waiting_for,
            "attempts": wait.attempts if wait else 0, "next_try_at": clock.iso(state.waiting_until_at) if state.waiting_until_at else None,
        }  # fmt: skip

    def _transfer_sync(self, _asked: verbs.TransferSync) -> Any:
        self.engine.sync_now()
        return {}

    def _transfer_pause(self, _asked: verbs.TransferPause) -> Any:
        self.set_paused(True)
        return {}

    def _transfer_resume(self, _asked: verbs.TransferResume) -> Any:
        self.set_paused(False)
        return {}

    # Connections

    def _connection_state(self, connection_id: str) -> Any:
        state = self.states.connection(connection_id)
        return state.model_dump(mode="json") if state else None

    def _connection_add(self, asked: verbs.ConnectionAdd) -> Any:
        return {"id": self._added(asked)}

    def _added(self, asked: verbs.ConnectionAdd) -> str:
        name = clean_title(asked.name)
        return self.connections.add(asked.kind, name, path=asked.path, credentials=asked.credentials, folder_id=asked.folder_id)

    def _connection_credentials(self, asked: verbs.ConnectionCredentials) -> Any:
        connection = self.connections.change_credentials(self.connections.find(asked.connection).id, asked.credentials)
        self.sign_ins.forget(connection.id)
        return self._connection_state(connection.id)

    def _connection_sign_in(self, asked: verbs.ConnectionSignIn) -> Any:
        connection = self.connections.find(asked.connection)
        return self.sign_ins.start(connection.id, self.connections.credentials(connection.id))

    def _connection_claim(self, asked: verbs.ConnectionClaim) -> Any:
        connection = self.connections.find(asked.connection)
        confirm(connection.name, asked.confirm)
        claimed = self.connections.claim(connection.id)
        self.recovery.give_up(claimed.id)
        return self._connection_state(claimed.id)

    def _connection_list(self, _asked: verbs.ConnectionList) -> Any:
        return {"connections": [self._connection_state(connection.id) for connection in self.connections.all()]}

    def _connection_show(self, asked: verbs.ConnectionShow) -> Any:
        return self._connection_state(self.connections.find(asked.connection).id)

    def _connection_validate(self, asked: verbs.ConnectionValidate) -> Any:
        connection = self.connections.validate(self.connections.find(asked.connection).id)
        self.engine.lines.succeeded(connection.id)
        self.sign_ins.forget_failure(connection.id)
        self.connections.look()
        return self._connection_state(connection.id)

    def _connection_activate(self, asked: verbs.ConnectionActivate) -> Any:
        return self._connection_state(self.connections.activate(self.connections.find(asked.connection).id).id)

    def _connection_rename(self, asked: verbs.ConnectionRename) -> Any:
        connection = self.connections.find(asked.connection)
        return self._connection_state(self.connections.rename(connection.id, clean_title(asked.name)).id)

    def _connection_remove(self, asked: verbs.ConnectionRemove) -> Any:
        connection_id = self.connections.find(asked.connection).id
        self.connections.remove(connection_id)
        self.sign_ins.forget(connection_id)
        return {}

    def _connection_empty(self, asked: verbs.ConnectionEmpty) -> Any:
        connection = self.connections.find(asked.connection)
        if asked.confirm is not None:
            confirm(connection.name, asked.confirm)
        dry_run = asked.confirm is None
        what = f"emptying of {connection.name}" + (" (dry run)" if dry_run else "")
        return {"job_id": self.jobs.submit(what, lambda job: self.emptying.run(connection.id, job, dry_run=dry_run)).id}

    def _connection_trash(self, asked: verbs.ConnectionTrash) -> Any:
        connection = self.connections.find(asked.connection)
        what = f"{'emptying of' if asked.purge else 'look into'} the trash of {connection.name}"
        return {"job_id": self.jobs.submit(what, lambda job: self.remote_trash.run(connection.id, job, purge=asked.purge)).id}

    # Recovery

    def _recovery_look(self, asked: verbs.RecoveryLook) -> Any:
        connection_id = self.connections.find(asked.connection).id
        return {"job_id": self.jobs.submit("look at what could be recovered", lambda job: self.recovery.look(connection_id, job)).id}

    def _recovery_start(self, asked: verbs.RecoveryStart) -> Any:
        return {"appliance_id": self.recovery.ask(self.connections.find(asked.connection), asked.appliance_id)}

    def _recovery_state(self, _asked: verbs.RecoveryState) -> Any:
        return self.recovery.state()

    # Integrity

    def _integrity_verify(self, asked: verbs.IntegrityVerify) -> Any:
        for text in asked.archives:
            self.library.find(text)
        return {"job_id": self.jobs.submit("check", lambda job: self.verifier.run(asked, job)).id}

    def _integrity_job(self, asked: verbs.IntegrityJob) -> Any:
        job = self.jobs.find(asked.job_id)
        return {"state": job.state, "done_bytes": job.done_bytes, "total_bytes": job.total_bytes, "error": job.error, "result": job.result}

    def _integrity_orphans(self, asked: verbs.IntegrityOrphans) -> Any:
        return {"job_id": self.jobs.submit("search for orphans", lambda job: self.orphans.run(job, adopt=asked.adopt)).id}

    def _integrity_tombstones(self, asked: verbs.IntegrityTombstones) -> Any:
        return self.tombstones.look(asked.limit)

    def _integrity_bury(self, asked: verbs.IntegrityBury) -> Any:
        self.tombstones.confirm(self.connections.find(asked.connection), asked.objects)
        return {"objects": asked.objects}

    # Settings and log

    def _settings_get(self, asked: verbs.SettingsGet) -> Any:
        state = self.settings.state()
        if asked.name is None:
            return state.model_dump(mode="json")
        found = next((setting for setting in state.settings if setting.name == asked.name), None)
        if found is None:
            raise NotFound(f"there is no setting {asked.name[:64]!r}; `pyarchive settings get` lists them")
        return found.model_dump(mode="json")

    def _settings_set(self, asked: verbs.SettingsSet) -> Any:
        self.settings.set(asked.name, asked.value)
        return self._settings_get(verbs.SettingsGet(name=asked.name))

    def _log_query(self, asked: verbs.LogQuery) -> Any:
        found = self.lines.query(limit=asked.limit, level=asked.level, text=asked.text, archive_id=asked.archive_id)
        return {"lines": [line.model_dump(mode="json") for line in found]}


def confirm(name: str, typed: str) -> None:
    """What cannot be taken back easily is confirmed by typing its name. Raises Refused."""
    if typed != name:
        raise Refused(f"to confirm, type the connection's name: {name!r}")
