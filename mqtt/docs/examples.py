"""An example of every message and of every verb's parameters, as the documents show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mqtt import messages as m
from mqtt import notification_verbs as n
from mqtt import safe_mode_verbs as safe
from mqtt import script_answers as s
from mqtt import upgrade_verbs as g
from mqtt import user_answers as u
from mqtt import verb_answers as a
from mqtt import view_answers as v
from mqtt.contract import Discovery
from mqtt.message import Message

_AT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
_EARLIER = _AT - timedelta(hours=7)
_ARCHIVE, _CONNECTION, _JOB = "5f0c1d2e3a4b5c6d", "c-81f2a09b", "9b1deb4d3b7d4bad"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TITLE = "holidays-2026.tar"
_MIB = 1 << 20
_SIZE = 40 * _MIB
_SCRIPT = "how-are-you"
_SOURCE = b"print('how are you?')\n"
_SOURCE_SHA256 = "f748bfacd059dde46fe2346c5b17b99443dfd1a8eeff04e1d39e2622a14c987a"

_PROBLEM = m.Problem(
    code="remote_away", about=_CONNECTION, message="connection Drive cannot be reached: no route to the network",
    next_step="it is tried again by itself", needs_you=False, since_at=_EARLIER,
)  # fmt: skip

_ARCHIVE_STATE = m.ArchiveState(
    id=_ARCHIVE, title=_TITLE, file_name=_TITLE, owner="home", size_bytes=_SIZE, sha256=_SHA256, created_at=_EARLIER,
    batch_bytes=16 * _MIB, rung=m.Rung.PARTIAL, health=m.Health.OK, batches_total=3, batches_stored=1, batches_cached=3, local=True,
    wanted_local=True, progress_ratio=0.3333, at_risk_bytes=24 * _MIB,
    placements=[
        m.Placement(
            connection_id=_CONNECTION, connection_name="Drive", active=True, rung=m.Rung.PARTIAL, batches_stored=1, manifest_stored=False
        )
    ],
    waiting_for="connection Drive cannot be reached", waiting_until_at=_AT + timedelta(seconds=40),
)  # fmt: skip

_TRANSFER = m.TransferState(
    slot=0, archive_id=_ARCHIVE, owner="anna", title=_TITLE, batch_index=1, batches_total=3, connection_id=_CONNECTION,
    direction=m.Direction.UP, done_bytes=6_291_456, size_bytes=16 * _MIB, rate_bytes_per_s=598_000, started_at=_AT,
)  # fmt: skip

_CONNECTION_STATE = m.ConnectionState(
    id=_CONNECTION, kind="drive", name="Drive", active=True, valid=True, account="somebody@example.org", folder_id="1AbCdEf",
    client_id="1234.apps.example", sign_in="ok", validated_at=_EARLIER, free_bytes=11_000_000_000, limit_bytes=16_106_127_360,
    used_bytes=5_106_127_360,
)  # fmt: skip

_STORED = v.Happening(what="stored", at=_AT, since_at=_EARLIER, batches=1, connection_id=_CONNECTION, connection_name="Drive")

_TARGET = n.NotificationTarget(
    id="4be1c09a", name="Anna's phone", kind="ntfy", host="ntfy.example.org", added_at=_EARLIER, sent_at=_AT, error=None, next_try_at=None,
    waiting=0,
)  # fmt: skip

_SETTING = m.Setting(name="upload_limit_kb_per_s", value=500, source="set", description="Upload limit in kB/s; 0 for none")
_SETTINGS = m.SettingsState(
    settings=[_SETTING], json_schema={"type": "object", "properties": {"upload_limit_kb_per_s": {"type": "integer", "minimum": 0}}}
)
_LINE = m.LogLine(at=_AT, level="info", source="intake", message=f"received {_TITLE} ({_ARCHIVE}, {_SIZE} bytes)", archive_id=_ARCHIVE)
_ERROR = m.Error(code="not_found", message="there is no archive 'holidays'; `pyarchive list` shows all")

_APPLIANCE = m.ApplianceState(
    appliance_id="attic-pi", status="transferring", status_reason="1 batches are moving", version="0.1.0", started_at=_EARLIER,
    counts=m.Counts(archives=12, received=0, partial=1, remote=8, proven=3, local=12, damaged=0, lost=0, removed=1),
    stored_bytes=5_041_943_040, bytes_at_risk=24 * _MIB, protected_by_at=_AT.replace(second=0) + timedelta(minutes=1),
    upload_rate_bytes_per_s=598_000, eta_s=42, progress_ratio=0.995,
    queue=m.Queue(batches_up=2, bytes_up=24 * _MIB, batches_down=0, bytes_down=0), paused=False, upload_limit_kb_per_s=0,
    active_connection=m.ActiveConnection(
        id=_CONNECTION, name="Drive", kind="drive", sign_in="ok", free_bytes=11_000_000_000, limit_bytes=16_106_127_360,
        used_bytes=5_106_127_360,
    ),
    disk=m.Disk(total_bytes=256_000_000_000, free_bytes=120_000_000_000, reserve_bytes=1_073_741_824), last_sync_at=_EARLIER,
    last_proof_at=_EARLIER, last_scrub_at=_EARLIER, oldest_scrub_at=_EARLIER - timedelta(days=15), last_listing_at=_EARLIER,
    last_problem=_PROBLEM,
)  # fmt: skip

_FINDING = a.Finding(
    archive_id=_ARCHIVE, title=_TITLE, batch_index=2, where="local", what="its bytes are not what their checksum says", repaired=True
)

_USER = u.User(
    name="anna", display_name="Anna", email="anna@example.org", role=u.Role.MEMBER, created_at=_EARLIER, last_seen_at=_AT,
    can_sign_in=True, archives=12, bytes=5_041_943_040,
)  # fmt: skip
_TOKEN, _CODE, _SESSION = "9sT1p…", "7KQM-3FXW-9RTC-5HDN", "c0ffee0123456789"

_OF_USERS = (
    u.Standing(claimed=True, registration="invitation", name="PyArchive"), u.Code(code=_CODE, expires_at=_AT + timedelta(days=1)),
    _USER, u.SignedIn(session=_TOKEN, user=_USER, expires_at=_AT + timedelta(days=14)),
    u.Me(user=_USER, session_id=_SESSION, expires_at=_AT + timedelta(days=14)),
    u.SessionList(
        sessions=[
            u.Session(
                id=_SESSION, device="Firefox on Android", address="192.168.1.23", created_at=_EARLIER, used_at=_AT,
                expires_at=_AT + timedelta(days=14), current=True,
            )
        ]
    ),
    u.Ended(sessions=2), u.UserList(users=[_USER], others=[u.OwnerWithoutAccount(name="home", archives=3, bytes=120_000_000)]),
    u.Given(archives=12, left=0), u.Invited(id="5d0f1c2e", code=_CODE, role=u.Role.MEMBER, expires_at=_AT + timedelta(days=7)),
    u.InvitationList(
        invitations=[u.Invitation(id="5d0f1c2e", role=u.Role.MEMBER, created_at=_AT, expires_at=_AT + timedelta(days=7))]
    ),
    u.Picture(media_type="image/png", base64="iVBORw0KGgo…"),
    u.AuditPage(
        lines=[u.AuditLine(at=_AT, login="panel", user="anna", what="archive/remove", about=f"archive {_ARCHIVE}", outcome="ok")]
    ),
)  # fmt: skip

_RUN = s.RunFacts(
    run_id=_JOB, script_id=_SCRIPT, title="How are you?", version=2, deployment_id=None, asked_by="anna", permission="read", state="ended",
    exit_status=0, reason=None, asked_at=_AT, started_at=_AT, ended_at=_AT, lines=1, dropped_lines=0,
)  # fmt: skip
_FACTS: dict[str, Any] = {
    "id": _SCRIPT, "title": "How are you?", "description": "Says how the appliance is", "permission": "read", "limits": m.Limits(),
    "shipped": False, "version": 2, "saved_at": _EARLIER, "saved_by": "anna", "size_bytes": len(_SOURCE), "sha256": _SOURCE_SHA256,
    "last_run": _RUN, "next_run_at": _AT + timedelta(hours=17), "deployments": 1,
}  # fmt: skip
_DEPLOYMENT = s.Deployment(
    id="d0a1b2c3", script_id=_SCRIPT, title="How are you?", every_s=None, cron="30 3 * * mon-fri", time_zone="Europe/Berlin",
    overlap="skip", catch_up="once", arguments=[], enabled=True, next_at=[_AT + timedelta(hours=17)], last_run=_RUN,
)  # fmt: skip
_OF_SCRIPTS = (
    _RUN, _DEPLOYMENT, s.ScriptList(scripts=[s.ScriptFacts(**_FACTS)], total=1, runner="online"),
    s.Script(**_FACTS, shown_version=2, source_base64="cHJpbnQoJ2hvdyBhcmUgeW91PycpCg=="),
    s.VersionList(
        versions=[
            s.Version(
                version=2, saved_at=_EARLIER, saved_by="anna", title="How are you?", permission="read", size_bytes=len(_SOURCE),
                sha256=_SOURCE_SHA256,
            )
        ]
    ),
    s.RunStarted(run_id=_JOB), s.RunPage(runs=[_RUN], total=1),
    s.OutputPage(
        run=_RUN, lines=[m.ScriptLine(sequence=0, at=_AT, stream="stdout", text="how are you?")], first_kept=0, more=False
    ),
    s.DeploymentList(deployments=[_DEPLOYMENT], paused=False),
)  # fmt: skip

EXAMPLES: dict[type[Message], Message] = {
    type(each): each
    for each in (
        *_OF_USERS, *_OF_SCRIPTS, _PROBLEM, _ARCHIVE_STATE, _TRANSFER, _CONNECTION_STATE, _SETTING, _SETTINGS, _LINE, _ERROR, _APPLIANCE,
        m.Event(event=m.EventName.ARCHIVE_REMOTE, at=_AT, archive_id=_ARCHIVE, title=_TITLE, connection_id=_CONNECTION),
        m.Instance(instance="c0ffee0123456789", host="attic", serving=True, started_at=_EARLIER),
        m.SelfTestEcho(word="c0ffee0123456789c0ffee0123456789"),
        g.SelfTestResult(
            version="0.1.0", trial_id=_JOB, passed=False,
            checks=[g.SelfTestCheck(name="store", passed=False, words="the store /var/lib/pyarchive/store is away")],
        ),
        m.FrontPanelState(
            lamp="transferring", lamp_reason="files are on their way to the remote",
            lamp_pattern=[m.LampLight(level_ratio=1, for_s=0.5, fades=False), m.LampLight(level_ratio=0, for_s=0.5, fades=False)],
            button_pressed=False, last_press_at=_EARLIER, simulated=True,
        ),
        m.HardwareState(
            model="Raspberry Pi 4 Model B Rev 1.5", temperature_c=52, under_voltage=False, under_voltage_lately=False, throttled=False,
            memory_bytes=3_978_846_208, memory_used_ratio=0.2, load_ratio=0.5,
        ),
        m.ScriptOutput(run_id=_JOB, lines=[m.ScriptLine(sequence=0, at=_AT, stream="stdout", text="how are you?")]),
        m.ScriptState(
            run_id=_JOB, script_id=_SCRIPT, name="How are you?", state="ended", exit_status=0, asked_at=_AT, started_at=_AT, ended_at=_AT,
            lines=1,
        ),
        m.RunOrder.of(_SOURCE, run_id=_JOB, script_id=_SCRIPT, name="How are you?", source_sha256=_SOURCE_SHA256, asked_at=_AT),
        m.ScriptValues(
            script_id=_SCRIPT, title="How are you?", values={"free_space": m.Value(value=120.5, unit="GB", title="Free space", at=_AT)}
        ),
        m.KillOrder(run_id=_JOB), m.RunnerState(online=True, version="0.1.0", instance="c0ffee01", runs=[_JOB], can=["own_user"]),
        Discovery(
            dev={"ids": ["attic-pi"], "name": "PyArchive"}, o={"name": "pyarchive"},
            cmps={"bytes_at_risk": {"p": "sensor", "unique_id": "attic-pi_bytes_at_risk"}},
        ),
        a.Nothing(), a.Begun(archive_id=_ARCHIVE, path=f"/var/lib/pyarchive/uploads/{_ARCHIVE}"),
        a.DemoHandedIn(archive_id=_ARCHIVE),
        a.UploadProgress(state="hashing", done_bytes=16 * _MIB, size_bytes=_SIZE),
        a.UploadPage(
            uploads=[
                a.OnItsWay(
                    archive_id=_ARCHIVE, title=_TITLE, file_name=_TITLE, owner="anna", announced_at=_AT, state="filling", done_bytes=0,
                    filled_bytes=16 * _MIB, size_bytes=_SIZE, expires_at=_AT + timedelta(days=7),
                )
            ],
            total=1,
        ),
        a.ArchivePage(archives=[_ARCHIVE_STATE], total=1),
        a.BatchPage(
            batches=[a.Batch(index=0, offset_bytes=0, size_bytes=16 * _MIB, sha256=_SHA256, cached=True, stored=[_CONNECTION])], total=3
        ),
        a.Located(
            archive_id=_ARCHIVE, path=f"/var/lib/pyarchive/store/{_ARCHIVE}/{_TITLE}", file_name=_TITLE, size_bytes=_SIZE, sha256=_SHA256
        ),
        a.Removed(archive_id=_ARCHIVE, undo_until_at=_AT + timedelta(days=30)), a.JobStarted(job_id=_JOB),
        a.TransferPage(
            moving=[_TRANSFER],
            waiting=[
                a.WaitingTransfer(
                    archive_id=_ARCHIVE, owner="anna", title=_TITLE, direction=m.Direction.UP, batches=2, bytes=24 * _MIB,
                    reason="connection Drive cannot be reached", attempts=1, next_try_at=_AT, moving=False,
                )
            ],
            waiting_total=1, up_total=1, down_total=0,
        ),
        a.ConnectionAdded(id=_CONNECTION), a.ConnectionPage(connections=[_CONNECTION_STATE]),
        a.SignInCode(
            user_code="ABCD-EFGH", verification_url="https://www.google.com/device", expires_at=_AT + timedelta(minutes=30), interval_s=5
        ),
        a.RecoveryStarted(appliance_id="attic-pi"),
        a.RecoveryProgress(
            state="running", connection_id=_CONNECTION, appliance_id="attic-pi", archives_done=4, archives_total=12, adopted=4,
            already_here=0, skipped=[], skipped_total=0, removed=0, users=0, scripts=0, deployments=0, settings=1, connections=[],
            error=None,
        ),
        a.TombstonePage(due=0, waiting=0, bytes=0, objects=[], held_back=[], to_confirm={}), a.Buried(objects=14),
        a.JobState(
            what="check", state="done", done_bytes=_SIZE, total_bytes=_SIZE, error=None,
            result=a.CheckResult(
                archives=1, batches_checked=3, batches_damaged=1, batches_repaired=1, damage_left=0, unknown=[], findings=[_FINDING]
            ),
        ),
        a.LogPage(lines=[_LINE], more=True),
        v.Summary(
            archives=12, received=0, partial=1, remote=8, proven=3, ok=12, unknown=0, damaged=0, lost=0, local=11, removed=1,
            size_bytes=52_000_000_000, released_bytes=9_000_000_000, bytes_at_risk=24 * _MIB, batches_up=2, bytes_up=24 * _MIB,
            batches_down=0, bytes_down=0, progress_ratio=0.999, oldest_proof_at=None, last_proof_at=_EARLIER,
        ),
        v.BatchMap(
            archive_id=_ARCHIVE, connection_id=_CONNECTION, offset=0, total=3, map="buc", counts={"b": 1, "c": 1, "u": 1},
            manifest_stored=False,
        ),
        v.Removal(
            archive_id=_ARCHIVE, title=_TITLE, size_bytes=_SIZE, local_bytes=_SIZE,
            copies=[
                v.CopyThere(
                    connection_id=_CONNECTION, name="Drive", kind="drive", valid=True, rung=m.Rung.PARTIAL, batches_stored=1,
                    stored_bytes=16 * _MIB, is_whole=False,
                )
            ],
            only_here=True, only_on=None, undo_until_at=_AT + timedelta(days=30), grace_days=7.0,
        ),
        v.HistoryPage(happenings=[_STORED], more=True),
        v.MovedPage(happenings=[v.Moved(**_STORED.model_dump(), archive_id=_ARCHIVE, title=_TITLE, owner="anna")], more=False),
        v.ConnectionRemoval(
            connection_id=_CONNECTION, name="Drive", active=True, archives=12, stored_bytes=52_000_000_000, only_there=1,
            only_there_bytes=9_000_000_000, at_risk=11, at_risk_bytes=43_000_000_000,
            examples=[v.LostCopy(archive_id=_ARCHIVE, title=_TITLE, owner="anna", size_bytes=9_000_000_000)],
            refused=f"1 archive (9,000,000,000 bytes) has its only copy there: {_TITLE!r}; restore it first",
        ),
        v.SignInState(
            state="pending", message="open https://www.google.com/device on any device and enter ABCD-EFGH", user_code="ABCD-EFGH",
            verification_url="https://www.google.com/device", expires_at=_AT + timedelta(minutes=30),
        ),
        v.RecoveryKit(
            appliance_id="attic-pi", connection_id=_CONNECTION, name="Drive", kind="drive", account="somebody@example.org", path=None,
            folder_id="1AbCdEf", client_id="1234.apps.example", archives=12, bytes=52_000_000_000, made_at=_AT,
            steps=["Install PyArchive on a new computer, or on a new memory card. Hand in no files yet."],
            by_hand=["Compare: `sha256sum file` must show the SHA-256 of manifest.json."],
        ),
        a.PressBegun(number=3, step=m.ButtonStep.PAUSE),
        a.FrontPanelHistory(
            lamp=[a.LampChange(at=_AT, lamp="waiting", reason="transfers are paused; `pyarchive resume` goes on")],
            presses=[a.ButtonPress(number=3, at=_AT, held_s=3.2, step=m.ButtonStep.PAUSE, done=True, result="transfers are paused")],
            levels=[a.LampLevel(at=_AT, level_ratio=1)],
        ),
        n.NotificationPage(targets=[_TARGET]), _TARGET,
        safe.SafeModeState(
            mode="safe", reason="the appliance ended 5 times without a word, each time soon after its start",
            next_step="look at the log, then end safe mode",
        ),
        v.TimetablePreview(
            error=None, week=[v.Span(weekday=0, from_minute=0, to_minute=480, limit_kb_per_s=0)], now_kb_per_s=500,
            changes=[v.TimetableChange(at=_AT + timedelta(hours=8), limit_kb_per_s=0)],
        ),
    )
}  # fmt: skip
"""By class: of every topic, and of every answer."""

_ONE = {"archive": _ARCHIVE}
_ON = {"connection": "Drive"}
_PERSON = {"name": "anna", "password": "…", "address": "192.168.1.23", "agent": "Mozilla/5.0 …"}

PARAMETERS: dict[str, dict[str, Any]] = {
    "archive/begin": {"file_name": _TITLE, "size_bytes": _SIZE},
    "archive/commit": {"archive_id": _ARCHIVE, "sha256": _SHA256},
    "archive/demo": {"title": "Letters (demo)", "size_bytes": 400_000},
    "archive/abort": {"archive_id": _ARCHIVE},
    "archive/upload": {"archive_id": _ARCHIVE},
    "archive/list": {"search": "holidays", "limit": 20},
    "archive/many": {"act": "release", "archives": [_ARCHIVE, "1a2b3c4d5e6f7081"]},
    "notification/add": {"url": "ntfys://ntfy.example.org/a-long-secret-topic", "name": "Anna's phone"},
    "notification/remove": {"id": "4be1c09a"},
    "upgrade/accept": {"trial_id": _JOB},
    "notification/test": {"id": "4be1c09a"},
    "archive/summary": {"owner": "anna"},
    "transfer/history": {"limit": 20},
    "settings/preview-timetable": {"timetable": "mon-fri 08:00-18:00 500", "time_zone": "Europe/Berlin"},
    "archive/rename": {**_ONE, "title": "Holidays 2026"},
    "connection/add": {"kind": "folder", "name": "USB disk", "path": "/media/backup"},
    "connection/credentials": {**_ON, "credentials": '{"installed": {"client_id": "…", "client_secret": "…"}}'},
    "connection/rename": {**_ON, "name": "Google Drive"},
    "connection/claim": {**_ON, "confirm": "Drive"},
    "integrity/bury": {**_ON, "objects": 14},
    "integrity/verify": {"local": True, "repair": True},
    "integrity/job": {"job_id": _JOB},
    "settings/get": {"name": "upload_limit_kb_per_s"},
    "settings/set": {"name": "upload_limit_kb_per_s", "value": 500},
    "frontpanel/press": {"seconds": 3.2},
    "script/list": {"limit": 20},
    "script/show": {"script": _SCRIPT},
    "script/versions": {"script": _SCRIPT},
    "script/save": {
        "script": _SCRIPT, "title": "How are you?", "source_base64": "cHJpbnQoJ2hvdyBhcmUgeW91PycpCg==", "permission": "read",
        "limits": {"wall_s": 60}, "based_on": 1,
    },
    "script/roll-back": {"script": _SCRIPT, "version": 1},
    "script/delete": {"script": _SCRIPT},
    "script/run": {"script": _SCRIPT, "arguments": ["--loud"]},
    "script/kill": {"run_id": _JOB},
    "script/runs": {"script": _SCRIPT, "limit": 20},
    "script/output": {"run_id": _JOB, "from_sequence": 100},
    "script/dismiss": {"run_id": _JOB},
    "script/value": {"name": "free_space", "value": 120.5, "unit": "GB", "title": "Free space"},
    "deployment/list": {"script": _SCRIPT},
    "deployment/save": {"script": _SCRIPT, "cron": "30 3 * * mon-fri", "time_zone": "Europe/Berlin", "catch_up": "once"},
    "deployment/remove": {"id": "d0a1b2c3"},
    "deployment/pause-all": {"paused": True},
    "log/query": {"level": "warning", "limit": 10},
    "audit/query": {"limit": 10},
    "user/claim": {**_PERSON, "code": _CODE, "display_name": "Anna"},
    "user/register": {**_PERSON, "code": _CODE, "display_name": "Anna"},
    "user/login": _PERSON,
    "user/end-session": {"id": _SESSION},
    "user/profile": {"display_name": "Anna", "email": "anna@example.org"},
    "user/password": {"old": "…", "new": "…"},
    "user/add": {"name": "bert", "role": "member"},
    "user/passwd": {"name": "bert", "password": "…"},
    "user/role": {"name": "bert", "role": "admin"},
    "user/remove": {"name": "bert"},
    "user/give": {"from_owner": "bert", "to_owner": "anna"},
    "user/invite": {"role": "member"},
    "user/uninvite": {"id": "5d0f1c2e"},
}  # fmt: skip
"""By verb. Those of an archive or a connection alone need no line."""


def parameters_of(verb: str, fields: set[str]) -> dict[str, Any]:
    """The example's parameters, without its transaction."""
    return PARAMETERS.get(verb) or (_ONE if "archive" in fields else _ON if "connection" in fields else {})
