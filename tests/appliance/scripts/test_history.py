"""What is remembered of runs has an end, in number and in bytes, and the newest is what stays."""

from __future__ import annotations

from pathlib import Path

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.scripts.history import History
from appliance.scripts.ids import new_run_id
from appliance.scripts.output import Outputs
from mqtt.script_answers import RunFacts
from mqtt.script_messages import RunState, ScriptLine


def run(history: History, script: str | None = "one", state: RunState = "ended") -> str:
    run_id = new_run_id(history.newest_id)
    history.add(
        RunFacts(
            run_id=run_id, script_id=script, title="One", version=1, deployment_id=None, asked_by="cli", permission="read", state=state,
            exit_status=0, reason=None, asked_at=clock.now(), started_at=None, ended_at=None, lines=0, dropped_lines=0,
        )
    )  # fmt: skip
    return run_id


def lines(first: int, *texts: str) -> list[ScriptLine]:
    return [ScriptLine(sequence=first + n, at=clock.now(), stream="stderr", text=text) for n, text in enumerate(texts)]


def test_so_many_of_a_script_and_so_many_in_all_but_never_one_that_runs(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "runs")
    history = History(CatalogDB.open(tmp_path / "catalog"), outputs, most_of_a_script=3, most=5)
    runs_on = run(history, state="running")
    first = run(history)
    outputs.add(first, lines(0, "its output goes too"))
    outputs.flush()
    mine = [run(history) for _ in range(3)]
    assert [each.run_id for each in history.newest_first()] == [*mine[:0:-1], runs_on]
    assert outputs.first_kept(first) is None
    assert not (tmp_path / "runs" / first).exists()
    others = [run(history, f"s-{number}") for number in range(4)]
    assert [each.run_id for each in history.newest_first()] == [*others[::-1], runs_on]


def test_what_is_remembered_is_there_after_a_restart_and_what_is_no_run_is_not(tmp_path: Path) -> None:
    db = CatalogDB.open(tmp_path / "catalog")
    history = History(db, Outputs(tmp_path / "runs"))
    kept = run(history)
    history.outputs.add(kept, lines(0, "ä\n\u2028", "b"))
    history.outputs.flush()
    db.apply({"runs": {"../x": {"run_id": "../x"}, "0" * 16: {"run_id": 1}}})
    (tmp_path / "runs" / ("f" * 16)).mkdir()
    db.close()
    again = History(CatalogDB.open(tmp_path / "catalog"), Outputs(tmp_path / "runs"))
    assert [each.run_id for each in again.newest_first()] == [kept]
    assert [(line.sequence, line.stream, line.text) for line in again.outputs.read(kept, 1)] == [(1, "stderr", "b")]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [kept]
    assert run(again) > kept


def test_output_keeps_the_newest_pieces_of_a_run_and_the_newest_runs(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "runs", piece_bytes=40_000, pieces=2, most_bytes=150_000)
    runs = [f"{number:016x}" for number in range(3)]
    for run_id in runs:
        for first in range(0, 300, 10):
            outputs.add(run_id, lines(first, *["x" * 1000] * 10))
        outputs.flush()
    assert outputs.first_kept(runs[0]) is None
    oldest = outputs.first_kept(runs[2])
    assert oldest
    assert [line.sequence for line in outputs.read(runs[2], 0)] == list(range(oldest, 300))
    assert [line.sequence for line in outputs.read(runs[2], 295)] == [295, 296, 297, 298, 299]
    assert outputs.size_bytes() <= 150_000 + 40_000
    assert sum(path.stat().st_size for path in (tmp_path / "runs").rglob("*.jsonl")) == outputs.size_bytes()


def test_a_torn_line_is_passed_over_and_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "runs")
    run_id = "0" * 16
    outputs.add(run_id, lines(0, "a", "b"))
    outputs.flush()
    (piece,) = (tmp_path / "runs" / run_id).iterdir()
    piece.write_bytes(piece.read_bytes()[:-4])
    assert [line.text for line in outputs.read(run_id, 0)] == ["a"]
    piece.unlink()
    piece.mkdir()  # nothing can be written there
    outputs.add(run_id, lines(2, "c"))
    outputs.flush()
    assert list(outputs.read(run_id, 0)) == []
