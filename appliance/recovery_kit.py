"""What belongs on paper: with it and the account, a new appliance brings everything back. Pure; nothing in it is secret."""

from __future__ import annotations

from datetime import datetime
from shlex import quote

from appliance.connections import Connection
from mqtt.messages import ConnectionState
from mqtt.view_answers import RecoveryKit


def recovery_kit(
    connection: Connection, state: ConnectionState, *, appliance_id: str, archives: int, size_bytes: int, at: datetime
) -> RecoveryKit:  # fmt: skip
    return RecoveryKit(
        appliance_id=appliance_id, connection_id=connection.id, name=connection.name, kind=connection.kind, account=state.account,
        path=connection.path, folder_id=state.folder_id, client_id=connection.client_id, archives=archives, bytes=size_bytes, made_at=at,
        steps=_steps(connection, state, appliance_id), by_hand=_by_hand(connection, appliance_id),
    )  # fmt: skip


def _steps(connection: Connection, state: ConnectionState, appliance_id: str) -> list[str]:
    name = quote(connection.name)
    return [
        "Install PyArchive on a new computer, or on a new memory card. Hand in no files yet.",
        *(_add_drive(connection, state, name) if connection.kind == "drive" else _add_folder(connection, name)),
        f"Run `pyarchive recover {name} --dry-run`: it shows what would come back, and changes nothing.",
        f"Run `pyarchive recover {name} --from {appliance_id}`: all archives are known again. Their content stays there.",
        "Run `pyarchive restore ARCHIVE` for what you need here.",
    ]


def _add_drive(connection: Connection, state: ConnectionState, name: str) -> list[str]:
    client, account = connection.client_id or "of this connection", f" as {state.account}" if state.account else ""
    return [
        (f"Take the JSON file of the OAuth client {client}, which belongs to this sheet. If it is lost, add a secret to that client at "
        "console.cloud.google.com and download it anew; never make a new client, it would not see these files."),
        f"Run `pyarchive connection add drive --name {name} --credentials FILE` and sign in{account} with the code that it shows.",
    ]  # fmt: skip


def _add_folder(connection: Connection, name: str) -> list[str]:
    return [
        "Connect the disk, or mount the network folder, that holds the copy.",
        f"Run `pyarchive connection add folder --name {name} --path {quote(connection.path or 'DIR')}`, with the path where it is now.",
    ]


def _by_hand(connection: Connection, appliance_id: str) -> list[str]:
    drive = "Google Drive, signed in with the same account, the folder PyArchive"
    return [
        f"Open {drive if connection.kind == 'drive' else connection.path or 'the disk'}, and in it {appliance_id}.",
        "Each folder there is one archive; its manifest.json tells title, file name and SHA-256.",
        "Put the numbered files together in their order: `cat [0-9]* > file`.",
        "Compare: `sha256sum file` must show the SHA-256 of manifest.json.",
    ]
