"""Frees space: releases local copies, those that were handed in longest ago first, until all that are left take
no more than a target.

Only archives of which every batch was read back from a remote (proven) are released, each after a fresh look
at the remote; what is pinned stays.

Arguments: the target in GB, like 200 or 0.5. With "try" after it, it only tells what it would release.
"""

import sys

from appliance_api import ApplianceError, appliance, number, size

if not sys.argv[1:] or set(sys.argv[2:]) - {"try"}:
    sys.exit("name the GB that local copies may take, like: 200, or: 200 try")
target_bytes, dry_run = int(number(sys.argv[1], "the GB that local copies may take") * 1e9), "try" in sys.argv

figures = appliance.summary()
here_bytes = figures.size_bytes - figures.released_bytes
print(f"local copies take {size(here_bytes)}; the target is {size(target_bytes)}")

proven = appliance.archives(rungs=["proven"], healths=["ok"], local=True, pinned=False, sort="created_at", descending=False)
for archive in list(proven):
    if here_bytes <= target_bytes:
        break
    if not archive.size_bytes or not archive.wanted_local:
        continue
    try:
        if not dry_run:
            archive.release().wait()
    except ApplianceError as error:
        print(f"{archive.title} stays: {error}")
        continue
    here_bytes -= archive.size_bytes
    done = "would go" if dry_run else "released"
    print(f"{archive.title}, of {archive.created_at:%Y-%m-%d}: {size(archive.size_bytes)} {done}", flush=True)

print(f"local copies {'would take' if dry_run else 'take'} {size(here_bytes)}")
if here_bytes > target_bytes:
    sys.exit("that is more than the target, and nothing more that is proven can be released; run the integrity drill to prove more")
