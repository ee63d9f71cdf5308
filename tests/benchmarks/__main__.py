"""``python -m tests.benchmarks [NAME…]``: measure, print each figure beside its budget; exit status 1 when one is missed."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.benchmarks import (
    drive,
    drive_partial,
    drive_scale,
    limit,
    machine,
    memory,
    panel_archives,
    panel_download,
    panel_pages,
    panel_upload,
    parts,
    report,
    republish,
    round_trip,
    scripts,
    slow_sync,
    start,
    status,
    talk,
    upload,
    writes,
)
from tests.benchmarks.figures import Figure, Measure, Order
from tests.benchmarks.report import Result

BENCHMARKS: dict[str, Measure] = {
    "hashing": parts.hashing,
    "catalog": parts.catalog,
    "ledger": parts.ledger,
    "writes": writes.measure,
    "status": status.measure,
    "start": start.measure,
    "limit": limit.measure,
    "slow-sync": slow_sync.measure,
    "upload": upload.measure,
    "memory": memory.measure,
    "latency": talk.latency,
    "chatter": talk.chatter,
    "republish": republish.measure,
    "requests": round_trip.measure,
    "panel-pages": panel_pages.measure,
    "panel-download": panel_download.measure,
    "drive": drive.measure,
    "drive-partial": drive_partial.measure,
    "drive-scale": drive_scale.measure,
    "panel-archives": panel_archives.measure,
    "panel-upload": panel_upload.measure,
    "scripts": scripts.measure,
}
_SCRATCH = Path("/var/tmp")  # not /tmp: that may be memory


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all budgets met, 1 one missed or a benchmark failed, 2 wrong usage."""
    args = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that processes end and folders go
    results = [_run(name, args.scratch, small=args.small) for name in args.names or BENCHMARKS]
    if args.json:
        print(json.dumps(report.document(results), indent=1))
    else:
        report.show(results)
    return 0 if all(result.good for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure the appliance against its budgets")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []], help=f"{', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--small", action="store_true", help="smaller files and fewer archives: a third of the time, an eighth of the disk")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--scratch", type=Path, default=_SCRATCH, help="a folder on the disk to measure (default: %(default)s)")
    return parser


def _run(name: str, scratch: Path, *, small: bool) -> Result:
    print(f"{name} …", file=sys.stderr, flush=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    try:
        beside = machine.measure(folder)
        start_s = perf_counter()
        figures, failed = _measured(name, Order(folder=folder, small=small))
        return Result(benchmark=name, machine=beside, figures=figures, took_s=perf_counter() - start_s, failed=failed)
    finally:
        shutil.rmtree(folder)


def _measured(name: str, order: Order) -> tuple[list[Figure], str]:
    try:
        return BENCHMARKS[name](order), ""
    except Exception as error:  # noqa: BLE001 (the others are still worth measuring; the report says that this one failed)
        return [], f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
