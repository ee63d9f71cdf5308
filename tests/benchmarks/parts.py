"""The budgets of single parts: hashing, catalog, ledger. Each is measured by a file of its own."""

from __future__ import annotations

from tests.benchmarks import catalog as catalog_files
from tests.benchmarks import hashing as hashing_files
from tests.benchmarks import ledger as ledger_files
from tests.benchmarks.figures import Figure, Order


def hashing(order: Order) -> list[Figure]:
    """A file of 1 GiB in the page cache: whole file and batches in one read, beside `openssl dgst -sha256` of the same file."""
    found = hashing_files.measure_hashing(order.folder, 1 << 28 if order.small else 1 << 30)
    return [
        Figure(name="hashing at ingest / openssl dgst -sha256", value=found["ratio"], unit="x", at_least=0.7),
        Figure(name="hashing at ingest", value=found["mb_per_s"], unit="MB/s"),
        Figure(name="openssl dgst -sha256", value=found["openssl_mb_per_s"], unit="MB/s"),
        Figure(name="the ratio with the file on the disk, once", value=found["cold_ratio"], unit="x"),
    ]


def catalog(order: Order) -> list[Figure]:
    """100,000 archives; 10,000 changes, then changes while a compaction is under way."""
    documents = 10_000 if order.small else 100_000
    found = catalog_files.run(order.folder / "catalog", documents)
    of = f"catalog of {documents:,}"
    return [
        Figure(name=f"{of}: update, median", value=found["update_median_ms"], unit="ms", at_most=2),
        Figure(name=f"{of}: update, max of 10,000", value=found["update_max_ms"], unit="ms", at_most=250),
        Figure(name=f"{of}: update during a compaction, median", value=found["update_with_compaction_median_ms"], unit="ms", at_most=2),
        Figure(name=f"{of}: update during a compaction, max", value=found["update_with_compaction_max_ms"], unit="ms", at_most=250),
        Figure(
            name=f"{of}: written for a change, compaction included", value=found["bytes_per_change_compaction_included"], unit="B",
            at_most=1024,
        ),
        Figure(name=f"{of}: open", value=found["open_s"], unit="s", at_most=3),
    ]  # fmt: skip


def ledger(order: Order) -> list[Figure]:
    """1,000,000 batches (16 TB in one archive), all stored; and one of 1,000 beside it, to see that size costs nothing."""
    batches = 100_000 if order.small else 1_000_000
    large, small = ledger_files.measure_large(order.folder, batches), _small_ledger(order)
    of = f"ledger of {batches:,}"
    return [
        Figure(name=f"{of}: a change without its fsync, median", value=large["change_ms"], unit="ms", at_most=1),
        Figure(name=f"{of}: a change / the same of 1,000 batches", value=large["change_ms"] / small["change_ms"], unit="x", at_most=2),
        Figure(name=f"{of}: written for a change", value=large["bytes_a_change"], unit="B"),
        Figure(name=f"{of}: open", value=large["open_s"], unit="s", at_most=2),
        Figure(name=f"{of}: open after compaction", value=large["open_compacted_s"], unit="s", at_most=2),
        Figure(name=f"{of}: peak RSS of a process that opens it", value=large["peak_mb"], unit="MiB", at_most=250),
    ]


def _small_ledger(order: Order) -> dict[str, float]:
    folder = order.folder / "small"
    folder.mkdir()
    return ledger_files.measure_large(folder, 1_000)
