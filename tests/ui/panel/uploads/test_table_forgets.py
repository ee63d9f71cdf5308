"""What the panel remembers of uploads that came to their end is bounded by number: a Pi's clock may be wrong by decades."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui.panel.files.uploads.table import Entry, State, Table


@pytest.mark.parametrize("dated_s", [0.0, 1.8e9, 2.5e9], ids=["1970", "2027", "2049"])
def test_the_last_that_ended_stay_and_so_does_what_has_not_ended_whatever_their_dates(tmp_path: Path, dated_s: float) -> None:
    table = Table(tmp_path / "panel")
    for number in range(8):
        state = State.FILLING if number == 0 else State.RECEIVED
        table.add(
            Entry(
                id=f"{number}", person="anna", owner="anna", archive_id=f"archive-{number}", path="/x", title="t", file_name="f",
                modified="", size_bytes=1, state=state, began_at=dated_s, changed_at=dated_s - number,
            )
        )  # fmt: skip
    table.forget_ended(3)
    left = [number for number in range(8) if table.get(f"{number}")]
    table.close()
    assert left == [0, 5, 6, 7]
