"""A day in minutes: everything runs, is measured every few seconds, comes to rest, is compared with what was handed in, and judged."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks import machine
from tests.installed import HouseBroker
from tests.panels import PanelProcess
from tests.soak import look
from tests.soak.chart import svg
from tests.soak.household import PYARCHIVE, Files, cast
from tests.soak.judge import COUNTED, EXACT, MEMORY, Curve, Tolerance, Verdict, Wear, verdict
from tests.soak.scene import BATCH_MIB, MIB, Actor, Scene
from tests.soak.visiting import Visitor
from tests.waiting import wait_for

_EVERY_S = 5.0
_REST_S = 240.0
_CATALOG = Tolerance(most=3 * MIB)
"""Its journal is folded into the snapshot when it is larger than that by 1 MiB, and two generations are kept."""
_SQLITE = Tolerance(most=4 * MIB)
"""SQLite's journal grows to 1,000 pages, and is used again from its beginning then."""
_EXPECTED = {"many_tombstones"}
"""A day's removals are due within minutes: much of all that is there, so the appliance asks before it lets that go. Nobody answers."""
_RESTARTS = ((0.06, "panel"), (0.1, "broker"), (0.2, "broker"), (0.45, "broker"), (0.8, "broker"))
"""When, of the whole time. The panel only while it warms up: a new process would hide what the old one let grow."""
_SAMPLE = 20
_BROKEN = re.compile(r"^(ERROR|CRITICAL)|Traceback|^\s*\w*(Error|Exception)\b")
_GIB = 1 << 30


class Soak:
    """``run()``: True where nothing grew and nothing is missing. Files are left in ``out``: curves as CSV and SVG, and the logs."""

    def __init__(self, folder: Path, out: Path, minutes: float, seed: int, say: Callable[[str], None]) -> None:
        self.folder, self.out, self.whole_s, self.say = folder, out, 60 * minutes, say
        self.scene = Scene(folder, seed, max(12, min(100, round(5 * minutes))), minutes)
        self.temporary: set[str] = set()
        self.rows: list[dict[str, float]] = []
        self.complaints: list[str] = []
        self.verdicts: list[Verdict] = []

    def run(self) -> bool:
        self.out.mkdir(parents=True, exist_ok=True)
        disk = machine.measure(self.folder)
        self.say(f"fsync {disk.fsync_ms:.2f} ms, copy {disk.copy_mb_per_s:.0f} MB/s")
        try:
            with self.scene as scene:
                actors = cast(scene)
                self._furnish(next(each for each in actors if isinstance(each, Files)))
                self._live(actors)
                self._come_to_rest()
                self._check_contents()
                self._check_rest()
                self._tell_wear()
                self._check_remote()
            self._check_logs()
        finally:
            self._keep()
        return self._judged()

    # The day

    def _furnish(self, files: Files) -> None:
        self.say(f"{self.scene.archives} archives are handed in first …")
        sizes = [files._size() for _ in range(self.scene.archives)]
        for number, size_bytes in enumerate(sizes):
            files.take_in(("tus", "inbox")[number % 2], min(size_bytes, 8 * MIB))

    def _fill_pools(self) -> None:
        """The panel's threads come as they are needed, and stay: all of them now, so that they are no growth later."""
        wait_for(lambda: "online" in self.scene.panel._health(), 30, "the panel to reach the appliance")
        visitor, archive_id = Visitor(self.scene.panel.port, self.scene.ada), self.scene.kept.there()[0]
        paths = (f"/files/{archive_id}", "/upload/unfinished")
        with ThreadPoolExecutor(16) as together:
            list(together.map(lambda number: visitor.ask("GET", paths[number % len(paths)]), range(96)))
        for path in ("/", "/archives") * 4:  # one after another: no house opens fifty pages in the same second
            visitor.ask("GET", path)

    def _live(self, actors: list[Actor]) -> None:
        self.start_s, self.temporary = time.monotonic(), self._temporary()
        for each in actors:
            each.start()
        restarts = [(part * self.whole_s, what) for part, what in _RESTARTS]
        while (now_s := time.monotonic() - self.start_s) < self.whole_s:
            self._sample()
            if restarts and now_s >= restarts[0][0]:
                self._restart(restarts.pop(0)[1])
            time.sleep(max(0.1, min(_EVERY_S - (time.monotonic() - self.start_s - now_s), self.whole_s - now_s)))
        self.scene.stopping.set()
        for each in actors:
            each.join(120)
            if each.is_alive():
                self.complaints.append(f"{each.name} does not come to an end")

    def _restart(self, what: str) -> None:
        self.scene.disturb(for_s=600)
        running: PanelProcess | HouseBroker = self.scene.panel if what == "panel" else self.scene.house.broker
        running.stop()
        time.sleep(1)
        running.start()
        if what == "panel":
            self._fill_pools()
        self.scene.disturb()
        self.scene.kept.did(f"restarts of the {what}")

    # What is measured

    def _sample(self) -> None:
        scene = self.scene
        row: dict[str, float] = {"seconds": round(time.monotonic() - self.start_s, 1)}
        for name, pid in scene.pids().items():
            found = look.figures(pid)
            for key in look.Figures.__slots__ if found else ():
                row[f"{name} {key}"] = getattr(found, key)
        row |= look.folders(scene.house.data, scene.panel.folder, [scene.temporary])
        row["archives"] = len(scene.kept.there())
        retained = scene.retained()
        if retained:
            row["topics"] = sum(retained.values())
            row["topics besides archives"] = row["topics"] - retained.get("archive", 0) - retained.get("script", 0)
            row["topics of scripts"] = retained.get("script", 0)
        row["uploaded"] = scene.drive.received_bytes
        self.rows.append(row)
        if len(self.rows) % 12 == 1:
            self._tell(row)

    def _tell(self, row: dict[str, float]) -> None:
        memory = ", ".join(f"{name} {row.get(f'{name} rss', 0) / MIB:.0f}" for name in self.scene.pids())
        done = f"{row['archives']:.0f} archives, {row['uploaded'] / MIB:.0f} MiB uploaded"
        self.say(f"{row['seconds'] / 60:5.1f} min: {done}; RSS in MiB: {memory}")

    def _curves(self) -> list[Curve]:
        kinds: list[tuple[str, str, Tolerance | None]] = []
        for name in ("appliance", "panel", "runner", "broker"):
            kinds += [
                (f"{name} rss", "bytes", MEMORY), (f"{name} pss", "bytes", MEMORY), (f"{name} files", "", COUNTED),
                (f"{name} threads", "", COUNTED), (f"{name} children", "", COUNTED), (f"{name} zombies", "", EXACT),
                (f"{name} inotify", "", EXACT), (f"{name} cpu_s", "s", None), (f"{name} written", "bytes", None),
                (f"{name} handed_over", "bytes", None),
            ]  # fmt: skip
        kinds += [
            ("topics besides archives", "", COUNTED), ("topics of scripts", "", Tolerance(most=50)), ("archives", "", COUNTED),
            ("uploaded", "bytes", None),
            ("catalog bytes", "bytes", _CATALOG), ("catalog files", "", COUNTED),
            ("ledger bytes", "bytes", Tolerance(most=1 * MIB, ratio=0.25)), ("ledger files", "", Tolerance(most=20, ratio=0.1)),
            ("log bytes", "bytes", None), ("spool files", "", COUNTED), ("uploads files", "", Tolerance(most=6, of_quiet=True)),
            ("trash files", "", Tolerance(most=20, ratio=0.1)), ("scripts bytes", "bytes", None), ("scripts files", "", None),
            ("panel's folder bytes", "bytes", _SQLITE), ("panel's folder files", "", COUNTED),
            ("temporary files", "", Tolerance(most=4, of_quiet=True)),
        ]  # fmt: skip
        return [
            Curve(name=name, unit=unit, points=[(row["seconds"], row[name]) for row in self.rows if name in row], tolerance=tolerance)
            for name, unit, tolerance in kinds
        ]

    # The end

    def _come_to_rest(self) -> None:
        self.say("it comes to rest …")
        scene, ask = self.scene, self.scene.house.ask
        scene.drive.calm()
        scene.drive.line()
        for name in ("timetable", "metered", "upload_limit_kb_per_s", "log_level"):
            ask("settings/set", name=name, value=None)
        for each in ask("deployment/list")["deployments"]:
            ask("deployment/remove", id=each["id"])
        ask("transfer/resume")
        ask("transfer/sync")
        for archive_id in scene.kept.there():
            if not scene.house.show(archive_id)["local"]:
                ask("archive/restore", archive=archive_id)
        try:
            wait_for(self._is_at_rest, _REST_S, "everything to be remote and local")
        except AssertionError:
            left = [each for each in self._listed().values() if not _is_safe(each)]
            self.complaints.append(f"not remote and local in {_REST_S:.0f} s: {left[:3]}")

    def _is_at_rest(self) -> bool:
        time.sleep(0.5)
        return all(map(_is_safe, self._listed().values()))

    def _listed(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            page = self.scene.house.ask("archive/list", offset=len(found), limit=200)
            found |= {each["id"]: each for each in page["archives"]}
            if not page["archives"] or len(found) >= page["total"]:
                return found

    def _check_contents(self) -> None:
        kept, listed = self.scene.kept, self._listed()
        there = set(kept.there())
        missing, unexpected = sorted(there - listed.keys()), sorted(listed.keys() - there)
        self._say_unless(not missing and not unexpected, f"archives: missing {missing}, not expected {unexpected}")
        right = {each: (kept.items[each].sha256, "ok") for each in there}
        wrong = [each for each in there & listed.keys() if (listed[each]["sha256"], listed[each]["health"]) != right[each]]
        self._say_unless(not wrong, f"archives with another SHA-256, or not well: {[listed[each] for each in wrong]}")
        for archive_id in sorted(there)[:_SAMPLE]:
            path = self.scene.temporary / "read-back"
            done = subprocess.run([PYARCHIVE, "get", archive_id, path], env=self.scene.environment, capture_output=True, check=False)
            is_right = done.returncode == 0 and _sha256([path]) == kept.items[archive_id].sha256
            self._say_unless(is_right, f"pyarchive get {archive_id}: {done.stderr.decode() or 'another content'}")
            path.unlink(missing_ok=True)

    def _check_remote(self) -> None:
        """The bytes at Drive, in their order, are those that were handed in."""
        batches: dict[str, dict[str, Path]] = defaultdict(dict)
        for file in self.scene.drive.files.values():
            if file.content_path and not file.trashed and file.name.isdigit():
                archive_id = file.app_properties.get("pyarchive_archive", "")
                if file.name in batches[archive_id]:
                    self.complaints.append(f"batch {file.name} of {archive_id} is at Drive twice")
                batches[archive_id][file.name] = file.content_path
        for archive_id in self.scene.kept.there():
            paths = [path for _, path in sorted(batches[archive_id].items())]
            self._say_unless(_sha256(paths) == self.scene.kept.items[archive_id].sha256, f"{archive_id} is different at Drive")
        violations = self.scene.drive.violations
        self._say_unless(not violations, f"the appliance broke Drive's protocol: {violations[:5]}")

    def _check_rest(self) -> None:
        """Nothing of what was only needed meanwhile is left; what only expires is waited for."""
        scene = self.scene
        data = scene.house.data
        checks: dict[str, Callable[[], Any]] = {
            "problems": lambda: scene.house.ask("archive/summary") and self._problems(),
            "files in spool": lambda: look.size_and_files(data / "spool")[1],
            "temporary files": lambda: sorted(self._temporary() - self.temporary),
            "files in uploads": lambda: [path.name for path in (data / "uploads").iterdir()],
            "uploads at the panel": self._panels_uploads,
            "children of the runner": lambda: max(0, self._now("runner").children - self._first("runner children")),
            "zombies": lambda: [name for name in scene.pids() if self._now(name).zombies],
        }
        ends_s = time.monotonic() + _REST_S
        while time.monotonic() < ends_s and any(left() for left in checks.values()):
            time.sleep(1)
        self.complaints += [f"{what} left: {found}" for what, left in checks.items() if (found := left())]
        self.say(f"retained topics at the end: {scene.retained()}")

    def _now(self, name: str) -> look.Figures:
        found = look.figures(self.scene.pids()[name])
        assert found, f"{name} is gone"
        return found

    def _temporary(self) -> set[str]:
        return {str(path) for path in self.scene.temporary.rglob("*") if path.is_file()}

    def _first(self, name: str) -> float:
        return min(row[name] for row in self.rows if name in row)

    def _problems(self) -> list[str]:
        state = json.loads(self.scene.house.seen[self.scene.topics("appliance/state")])
        return [f"{each['code']}: {each['message']}" for each in state["problems"] if each["code"] not in _EXPECTED]

    def _panels_uploads(self) -> list[Any]:
        answer = Visitor(self.scene.panel.port, self.scene.ada).ask("GET", "/upload/unfinished")
        if answer.status != 200:
            return [answer.status]
        # What has expired is said for a while, and kept by nobody.
        return [each for each in json.loads(answer.content)["uploads"] if each["state"] != "expired"]

    def _check_logs(self) -> None:
        for path in sorted(self.folder.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()
            bad = [number for number, line in enumerate(lines) if _BROKEN.search(line)]
            if bad:
                words = "\n      ".join(lines[max(0, bad[0] - 2) : bad[0] + 25])
                self.complaints.append(f"{path.name}: {len(bad)} lines of errors, the first:\n      {words}")

    def _say_unless(self, is_good: bool, words: str) -> None:
        if not is_good:
            self.complaints.append(words)

    # What it cost

    def _tell_wear(self) -> None:
        scene = self.scene
        time.sleep(2.5)  # counts are written every two seconds
        counted = {place: tuple(told) for place, told in json.loads(scene.counted.read_text()).items()}
        uploaded = scene.drive.received_bytes
        self.say(f"\n{uploaded / MIB:.0f} MiB uploaded. Appliance, by place: bytes handed to write(2), a GiB uploaded; writes; fsyncs")
        for place, (written, writes, syncs) in sorted(counted.items(), key=lambda pair: -pair[1][0]):
            self.say(f"  {place:24} {written:>14,}  {written / uploaded * _GIB / MIB:10,.2f} MiB/GiB {writes:>9,} {syncs:>8,}")
        for name in scene.pids():
            first, last = self.rows[0], self.rows[-1]
            span = {key: last.get(f"{name} {key}", 0) - first.get(f"{name} {key}", 0) for key in ("written", "handed_over", "cpu_s")}
            if name == "broker":  # the counts began anew at each restart
                span = {key: last.get(f"{name} {key}", 0) for key in span}
            self.say(
                f"  {name}: {span['written'] / MIB:,.1f} MiB to the disk, {span['handed_over'] / MIB:,.1f} MiB handed to write(2), "
                f"CPU {span['cpu_s']:.1f} s ({100 * span['cpu_s'] / self.whole_s:.1f} % of a core)"
            )
        self._judge_wear(counted)

    def _judge_wear(self, counted: dict[str, tuple[int, ...]]) -> None:
        """Every change of a batch is in its ledger; what of the catalog is about archives comes to it."""
        places = ("ledger", "catalog archives", "catalog snapshot", "catalog tombstones")
        written = sum(counted.get(place, (0, 0, 0))[0] for place in places)
        syncs = sum(counted.get(place, (0, 0, 0))[2] for place in places)
        sizes = [item.size_bytes for item in self.scene.kept.items.values()]
        batches = sum(max(1, -(-size // (BATCH_MIB * MIB))) for size in sizes)
        changes = 2 * (batches + len(sizes)) + self.scene.kept.done["restore"]
        self.say(f"  batches that changed state: {changes}, each {written / changes:.0f} bytes, {syncs / changes:.2f} fsyncs")
        self.complaints += Wear(written_bytes=written, syncs=syncs, changes=changes).complaints()

    # The judgement

    def _judged(self) -> bool:
        kept = self.scene.kept
        self.say(f"\nhanded in: {dict(kept.created)}; done: {dict(sorted(kept.done.items()))}")
        self.say(f"\n{'':28}{'start':>14}{'2nd quarter':>14}{'last quarter':>14}{'an hour':>14}{'allowed':>12}")
        for each in self.verdicts:
            self.say(_line(each))
        complaints = [*self.complaints, *kept.complaints, *(f"{each.curve.name} grows" for each in self.verdicts if not each.is_good)]
        self.say("\nnothing grew, nothing is missing" if not complaints else f"\n{len(complaints)} complaints:")
        for words in complaints[:40]:
            self.say(f"  - {words}")
        return not complaints

    def _keep(self) -> None:
        names = sorted({name for row in self.rows for name in row})
        with (self.out / "curve.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["seconds", *(name for name in names if name != "seconds")])
            writer.writeheader()
            writer.writerows(self.rows)
        for path in self.folder.glob("*.log"):
            (self.out / path.name).write_bytes(path.read_bytes())
        for curve in self._curves():
            try:
                self.verdicts.append(verdict(curve, self.whole_s))
            except ValueError as error:
                self.complaints.append(str(error))
        (self.out / "curve.svg").write_text(svg(self.verdicts, self.whole_s))


def _is_safe(state: dict[str, Any]) -> bool:
    return state["rung"] in {"remote", "proven"} and bool(state["local"])


def _line(each: Verdict) -> str:
    scale, digits = (MIB, 2) if each.curve.unit == "bytes" else (1, 1)
    values = [f"{value / scale:>14,.{digits}f}" for value in (each.start, each.second, each.last, each.per_hour)]
    allowed = f"{each.allowed / scale:>12,.{digits}f}" if each.curve.tolerance else " " * 12
    unit = "MiB" if scale > 1 else each.curve.unit
    return f"{each.curve.name + (f' ({unit})' if unit else ''):28}{''.join(values)}{allowed}{'' if each.is_good else '   GROWS'}"


def _sha256(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(MIB):
                digest.update(piece)
    return digest.hexdigest()
