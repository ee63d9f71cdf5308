"""A household with things to show: archives of two people, some safe, some on their way, one released."""

from __future__ import annotations

import base64
import hashlib
import random
from pathlib import Path
from typing import Any

from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.waiting import wait_for

SETTINGS: dict[str, Any] = {"batch_size_mib": 1}
SAFE = (
    ("Brittany 2026.mov", "Holiday in Brittany, summer 2026", 24.0),
    ("photos-2025.zip", "Family photos 2025", 18.0),
    ("tax-2025.pdf", "Tax return 2025", 1.2),
    ("laptop-2026-10.img", "Laptop image, October 2026", 31.0),
    ("Großmutters Rezepte.pdf", "Großmutters Rezepte", 3.4),
    ("concert.flac", "School concert, live recording", 9.7),
)
UNDER_WAY = (("wedding.mp4", "Anna's wedding, uncut", 46.0), ("photos-2026.zip", "Family photos 2026", 28.0))
WAITING = (("old-disk.img", "Old disk from the attic", 20.0),)
SLOW_KB_PER_S = 900
SCRIPT = """from appliance_api import appliance

# What would be lost if this appliance broke now.
for archive in appliance.archives(rungs=["received", "partial"]):
    print(f"{archive.title}: {archive.at_risk_bytes / 1e9:.2f} GB")
"""


class Household:
    """``furnish`` once, on a house with a folder remote; ``admin`` and ``member`` are session tokens."""

    def __init__(self, house: House, panel: PanelProcess) -> None:
        self._house = house
        self._panel = panel
        self.admin = ""
        self.member = ""
        self.ids: dict[str, str] = {}
        self.script = "at-risk"

    @property
    def connection_id(self) -> str:
        return str(self._house.ask("connection/list")["connections"][0]["id"])

    def furnish(self) -> None:
        self.admin = self._panel.claim("ada")
        self._house.ask("user/add", name="ben", role="member", password=PASSWORD, display_name="Ben")
        self.member = self._panel.sign_in("ben")
        for number, (name, title, megabytes) in enumerate(SAFE):
            self.put(name, title, "ben" if number % 3 == 2 else "ada", megabytes)
        for archive_id in self.ids.values():
            self._house.wait_remote(archive_id)
        self._house.job("archive/release", archive=self.ids["laptop-2026-10.img"])
        self._house.job("integrity/verify", archives=[self.ids["tax-2025.pdf"]], read_back=True, remote=True)
        self._write_script()
        self.keep_busy()

    def _write_script(self) -> None:
        """Of two versions, deployed; nothing runs it here."""
        for based_on, source in ((None, "print('hello')\n"), (1, SCRIPT)):
            encoded = base64.b64encode(source.encode()).decode()
            about = {"title": "What is at risk", "description": "Says what is only here so far.", "permission": "change"}
            self._house.ask("script/save", script=self.script, source_base64=encoded, based_on=based_on, **about)
        self._house.ask("deployment/save", script=self.script, cron="30 3 * * mon-fri", time_zone="Europe/Berlin")

    def keep_busy(self) -> None:
        """Files that take their time from here on."""
        self._house.ask("settings/set", name="upload_limit_kb_per_s", value=SLOW_KB_PER_S)
        for name, title, megabytes in UNDER_WAY + WAITING:
            self.put(name, title, "ada", megabytes)
        wait_for(lambda: self._house.ask("transfer/list")["moving"], 20, "a transfer to run")

    def put(self, name: str, title: str, owner: str, megabytes: float) -> None:
        content = random.Random(name).randbytes(int(megabytes * 1e6))
        begun = self._house.ask("archive/begin", file_name=name, size_bytes=len(content), title=title, owner=owner)
        Path(begun["path"]).write_bytes(content)
        self._house.ask("archive/commit", archive_id=begun["archive_id"], sha256=hashlib.sha256(content).hexdigest())
        wait_for(
            lambda: self._house.ask("archive/upload", archive_id=begun["archive_id"])["state"] == "received", 30, "the file to be received"
        )
        self.ids[name] = begun["archive_id"]
