"""What is done to archives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from appliance import access, clock
from appliance.access import Caller
from appliance.archive import archives_in_words
from appliance.errors import NotFound, NotLocal
from appliance.handlers.table import handles
from appliance.intake.demo import hand_in_demo
from appliance.intake.intake import Intake
from appliance.jobs import Jobs
from appliance.library import Library
from appliance.many import Many
from appliance.names import clean_title
from appliance.placement import Placement
from appliance.states import States
from mqtt import verb_answers as answers
from mqtt import verbs
from mqtt.messages import ArchiveState


@dataclass(frozen=True, slots=True)
class Archives:
    """``archive/…``, where something is changed, and where a local copy is."""

    library: Library
    intake: Intake
    placement: Placement
    jobs: Jobs
    states: States

    @handles(verbs.ArchiveBegin)
    def archive_begin(self, asked: verbs.ArchiveBegin, caller: Caller) -> Any:
        owner = access.owner_for(asked.owner, caller)
        with access.shown_full(caller):
            archive_id, path = self.intake.begin(asked.file_name, asked.size_bytes, asked.title, owner)
        return {"archive_id": archive_id, "path": path}

    @handles(verbs.ArchiveCommit)
    def archive_commit(self, asked: verbs.ArchiveCommit) -> Any:
        self.intake.commit(asked.archive_id, asked.sha256)
        return {}

    @handles(verbs.ArchiveDemo)
    def archive_demo(self, asked: verbs.ArchiveDemo) -> answers.DemoHandedIn:
        return answers.DemoHandedIn(archive_id=hand_in_demo(self.intake, asked.title, asked.size_bytes, asked.owner))

    @handles(verbs.ArchiveAbort)
    def archive_abort(self, asked: verbs.ArchiveAbort, caller: Caller) -> Any:
        if caller.sees(access.owner_of(asked.archive_id, self.library)):
            self.intake.abort(asked.archive_id)
        return {}

    @handles(verbs.ArchiveUpload)
    def archive_upload(self, asked: verbs.ArchiveUpload) -> Any:
        return answers.UploadProgress(**asdict(self.intake.state(asked.archive_id)))

    @handles(verbs.ArchiveUploads)
    def archive_uploads(self, asked: verbs.ArchiveUploads, caller: Caller) -> Any:
        found = self.intake.announced(asked.owner if caller.is_admin else caller.user)
        shown = [self._on_its_way(upload_id, document) for upload_id, document in found[: asked.limit]]
        return answers.UploadPage(uploads=[each for each in shown if each], total=len(found))

    def _on_its_way(self, upload_id: str, document: dict[str, Any]) -> answers.OnItsWay | None:
        try:
            state = self.intake.state(upload_id)
        except NotFound:  # it has ended meanwhile
            return None
        named = {name: document[name] for name in ("title", "file_name", "owner", "announced_at")}
        return answers.OnItsWay(archive_id=upload_id, **named, filled_bytes=self.intake.filled_bytes(upload_id), **asdict(state))

    @handles(verbs.ArchiveLocate)
    def archive_locate(self, asked: verbs.ArchiveLocate) -> Any:
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

    @handles(verbs.ArchiveRename)
    def archive_rename(self, asked: verbs.ArchiveRename) -> Any:
        archive_id = self.library.find(asked.archive)
        self.library.rename(archive_id, clean_title(asked.title))
        return self._state(archive_id)

    @handles(verbs.ArchiveRemove)
    def archive_remove(self, asked: verbs.ArchiveRemove) -> Any:
        archive_id = self.library.find(asked.archive)
        return {"archive_id": archive_id, "undo_until_at": clock.iso(self.placement.remove(archive_id))}

    @handles(verbs.ArchiveUndo)
    def archive_undo(self, asked: verbs.ArchiveUndo) -> Any:
        archive_id = self.library.find(asked.archive, removed=None)
        self.placement.undo(archive_id)
        return self._state(archive_id)

    @handles(verbs.ArchiveRelease)
    def archive_release(self, asked: verbs.ArchiveRelease) -> Any:
        archive_id = self.library.find(asked.archive)
        archive = self.library.archive(archive_id)
        what = f"release of {archive.title}"
        return {"job_id": self.jobs.submit(what, lambda job: self.placement.release(archive_id, job), archive.owner).id}

    @handles(verbs.ArchiveMany)
    def archive_many(self, asked: verbs.ArchiveMany, caller: Caller) -> Any:
        what = f"{asked.act} of {archives_in_words(len(asked.archives))}"
        many = Many(self.library, self.placement, caller)
        return {"job_id": self.jobs.submit(what, lambda job: many.run(asked.act, asked.archives, job), caller.user).id}

    @handles(verbs.ArchiveRestore)
    def archive_restore(self, asked: verbs.ArchiveRestore) -> Any:
        archive_id = self.library.find(asked.archive)
        self.placement.restore(archive_id)
        return self._state(archive_id)

    @handles(verbs.ArchivePin)
    def archive_pin(self, asked: verbs.ArchivePin) -> Any:
        return self._pinned(asked.archive, pinned=True)

    @handles(verbs.ArchiveUnpin)
    def archive_unpin(self, asked: verbs.ArchiveUnpin) -> Any:
        return self._pinned(asked.archive, pinned=False)

    def _pinned(self, archive: str, *, pinned: bool) -> Any:
        archive_id = self.library.find(archive)
        self.placement.pin(archive_id, pinned=pinned)
        return self._state(archive_id)

    def _state(self, archive_id: str) -> ArchiveState:
        return self.states.archive(self.library.view(archive_id))
