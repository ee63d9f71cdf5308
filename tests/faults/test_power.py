"""The power cut model keeps its own promises: what is synced survives in every variant, what is not may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import durable
from tests.faults.power import Recorder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "kept").write_bytes(b"before")
    return folder


def disks(recorder: Recorder, target: Path, prefix: int | None = None, seeds: int = 16) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The name of each variant of one prefix, and its files."""
    prefix = recorder.prefixes()[-1] if prefix is None else prefix
    for seed in range(seeds):
        for variant in recorder.variants(prefix, seed):
            folder = target / f"{prefix}-{seed}-{variant.name}"
            variant.materialise(folder)
            yield variant.name, {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def recorded(root: Path, history: Callable[[Path], object]) -> Recorder:
    recorder = Recorder(root)
    with recorder:
        history(root)
    return recorder


def write_new(path: Path, content: bytes, *, sync: bool) -> None:
    with durable.DurableFile.create(path) as file:
        file.write_at(0, content)
        if sync:
            file.sync()


def test_what_was_there_before_survives_every_cut(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: write_new(root / "new", b"x", sync=False))
    assert all(files["old/kept"] == b"before" for _, files in disks(recorder, tmp_path))


def test_a_synced_file_in_a_synced_folder_is_whole_in_the_only_variant(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: durable.replace(root / "file", b"content"))
    found = list(disks(recorder, tmp_path, seeds=1))
    assert found == [("applied", {"old/kept": b"before", "file": b"content"})]


def test_fsync_of_a_file_does_not_make_its_name_durable(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: write_new(root / "new", b"content", sync=True))
    found = list(disks(recorder, tmp_path))
    assert {files.get("new") for _, files in found} == {b"content", None}
    assert all("new" not in files for name, files in found if name == "dropped")


def test_a_name_may_survive_without_its_data(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        write_new(root / "new", b"content", sync=False)
        durable.rename(root / "new", root / "final")
        durable.sync_dir(root)

    found = list(disks(recorded(root, history), tmp_path))
    assert b"" in {files["final"] for _, files in found}
    assert all("new" not in files for _, files in found)


def test_a_later_write_may_survive_without_an_earlier_one(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        with durable.DurableFile.open(root / "old" / "kept") as file:
            file.write_at(6, b" first")
            file.write_at(12, b" second")

    found = {files["old/kept"] for name, files in disks(recorded(root, history), tmp_path) if name.startswith("reordered")}
    assert found == {b"before", b"before first", b"before first second", b"before" + bytes(6) + b" second"}


def test_the_last_unsynced_write_may_be_cut_at_any_byte(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        with durable.DurableFile.open(root / "old" / "kept") as file:
            file.write_at(6, b"12345")

    found = {files["old/kept"] for name, files in disks(recorded(root, history), tmp_path, seeds=60) if name == "torn"}
    assert found == {b"before" + b"12345"[:cut] for cut in range(5)}


def test_missing_sectors_keep_what_was_there(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        with durable.DurableFile.open(root / "old" / "kept") as file:
            file.write_at(0, b"x" * 700)

    found = {files["old/kept"] for name, files in disks(recorded(root, history), tmp_path) if name == "sectors"}
    nothing, first, second = b"before" + bytes(694), b"x" * 512 + bytes(188), b"before" + bytes(506) + b"x" * 188
    assert found == {nothing, first, second}


def test_a_rename_between_folders_is_durable_when_both_are_synced_and_never_halved(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        durable.make_dir(root / "other")
        durable.rename(root / "old" / "kept", root / "other" / "moved")
        durable.sync_dir(root / "old")
        durable.sync_dir(root / "other")

    recorder = recorded(root, history)
    *_, both = recorder.prefixes()
    assert {tuple(files) for _, files in disks(recorder, tmp_path, both - 1)} == {("old/kept",), ("other/moved",)}
    assert {tuple(files) for _, files in disks(recorder, tmp_path, both)} == {("other/moved",)}


def test_a_folder_that_is_renamed_takes_its_files_along(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        durable.rename(root / "old", root / "new")
        durable.sync_dir(root)
        write_new(root / "new" / "file", b"later", sync=True)
        durable.sync_dir(root / "new")

    found = list(disks(recorded(root, history), tmp_path, seeds=1))
    assert found == [("applied", {"new/kept": b"before", "new/file": b"later"})]


def test_a_removal_that_was_not_synced_may_come_undone(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: durable.unlink(root / "old" / "kept"))
    assert {files.get("old/kept") for _, files in disks(recorder, tmp_path)} == {None, b"before"}


def test_two_names_of_one_file_share_its_content(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        durable.link(root / "old" / "kept", root / "second")
        durable.sync_dir(root)
        with durable.DurableFile.open(root / "second") as file:
            file.write_at(0, b"AFTER!")
            file.sync()

    found = list(disks(recorded(root, history), tmp_path, seeds=1))
    assert found == [("applied", {"old/kept": b"AFTER!", "second": b"AFTER!"})]


def test_a_file_that_is_written_after_its_rename_is_followed(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        with durable.DurableFile.create(root / "new") as file:
            durable.rename(root / "new", root / "final")
            durable.sync_dir(root)
            file.write_at(0, b"content")
            file.sync()

    assert dict(disks(recorded(root, history), tmp_path, seeds=1))["applied"]["final"] == b"content"


def test_a_taken_file_counts_with_the_content_it_had_then(root: Path, tmp_path: Path) -> None:
    def history(root: Path) -> None:
        (root / "filled").write_bytes(b"by another program")
        durable.take(root / "filled")
        durable.sync_dir(root)
        (root / "filled").write_bytes(b"later, not taken")

    recorder = recorded(root, history)
    assert [files["filled"] for _, files in disks(recorder, tmp_path, seeds=1)] == [b"by another program"]
    assert None in {files.get("filled") for _, files in disks(recorder, tmp_path, 2)}


def test_a_mark_counts_from_the_operation_that_it_follows(root: Path) -> None:
    recorder = Recorder(root)
    with recorder:
        durable.sync_dir(root)
        recorder.mark("one")
        durable.sync_dir(root)
        recorder.mark("two")
    assert [recorder.marked(prefix) for prefix in recorder.prefixes()] == [[], ["one"], ["one", "two"]]


def test_the_same_seed_gives_the_same_disks(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: write_new(root / "new", b"content" * 300, sync=False))
    (tmp_path / "again").mkdir()
    assert list(disks(recorder, tmp_path, seeds=5)) == list(disks(recorder, tmp_path / "again", seeds=5))


def test_what_a_killed_process_left_unsynced_is_there_for_the_next_and_still_not_safe(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda root: write_new(root / "new", b"content", sync=False))
    later = recorder.killed(2, tmp_path / "later")
    assert (tmp_path / "later" / "new").read_bytes() == b"content"
    assert any("new" not in files for _, files in disks(later, tmp_path))
    with later, durable.DurableFile.open(tmp_path / "later" / "new") as file:
        file.sync()
        durable.sync_dir(tmp_path / "later")
    assert [files["new"] for _, files in disks(later, tmp_path, seeds=1)] == [b"content"]


def test_operations_elsewhere_are_not_recorded(root: Path, tmp_path: Path) -> None:
    recorder = recorded(root, lambda _: durable.replace(tmp_path / "elsewhere", b"x"))
    assert recorder.operations == []
