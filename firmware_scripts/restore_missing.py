"""Brings back local copies that are missing: of the archives that are named, or of all.

Arguments: ids or titles of archives, or "all". Without any it is a dry run: it lists what is not here, and
asks for nothing.
"""

import sys

from appliance_api import ApplianceError, appliance, count, size, until_still

STILL_S = 600.0

named = sys.argv[1:]
if named in ([], ["all"]):
    away = list(appliance.archives(local=False))
else:
    try:
        away = [archive for archive in map(appliance.archive, named) if not archive.local]
    except ApplianceError as error:
        sys.exit(f"nothing was asked for: {error}")
for archive in away:
    print(f"{archive.title}: {size(archive.size_bytes)}, {archive.rung}{', on its way back' if archive.wanted_local else ''}")
print(f"{count(len(away), 'archive is', 'archives are')} not here, {size(sum(archive.size_bytes for archive in away))}")
if not named:
    print("This was a dry run; name archives, or all, to bring them back.")
    sys.exit()

for archive in away:
    archive.restore()


def left() -> int:
    """Bytes to come; one more for each archive until its file has its name again."""
    states = [now for now in (appliance.archive(archive.id) for archive in away) if not now.local]
    return sum(1 + now.size_bytes * (now.batches_total - now.batches_cached) // now.batches_total for now in states)


for left_bytes in until_still(left, STILL_S):
    print(f"{size(left_bytes)} to come", flush=True)
remaining = [now for now in (appliance.archive(archive.id) for archive in away) if not now.local]
for archive in remaining:
    print(f"{archive.title}: {archive.waiting_for or 'it has not come yet'}")
if remaining:
    sys.exit(f"{count(len(remaining), 'archive is', 'archives are')} not here yet; what can come still comes in its turn")
