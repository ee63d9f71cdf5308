"""What is told of a file on its way in."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from appliance.views import View
from tests.inside import Inside
from tests.waiting import wait_for


def test_a_file_that_became_an_archive_this_instant_is_received_and_not_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inside(tmp_path / "data") as inside:
        library, may_go_on = inside.app.library, threading.Event()
        put_view = library._put_view

        def late(view: View) -> None:
            may_go_on.wait(10)
            put_view(view)

        monkeypatch.setattr(library, "_put_view", late)
        archive_id = inside.begin(b"abc")
        inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(b"abc").hexdigest())
        wait_for(lambda: inside.app.db.table("archives").get(doc_id=archive_id))
        assert archive_id not in library.views
        assert inside.ask("archive/upload", archive_id=archive_id)["state"] == "received"
        may_go_on.set()
