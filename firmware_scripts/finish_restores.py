"""Finishes restores of which every batch is on the appliance already, and tells what the others lack.

The appliance puts a restored file together by itself, when its last batch has come, and goes on with that
after a restart. So this has something to do only where that was held up, by a full disk for example: it asks
for these archives once more and waits for their files.
"""

import sys

from appliance_api import Archive, appliance, count, size, until_still

STILL_S = 600.0

away = [archive for archive in appliance.archives(local=False) if archive.wanted_local]
for archive in away:
    print(f"{archive.title}: {archive.batches_cached} of {archive.batches_total} batches are here")
whole = [archive for archive in away if archive.batches_cached == archive.batches_total]
for archive in whole:
    archive.restore()


def unfinished(archives: list[Archive]) -> list[Archive]:
    return [now for now in (appliance.archive(archive.id) for archive in archives) if not now.local]


for files in until_still(lambda: len(unfinished(whole)), STILL_S):
    print(f"{count(files, 'file')} to be put together", flush=True)
remaining = unfinished(away)
for archive in remaining:
    print(f"{archive.title} ({size(archive.size_bytes)}): {archive.waiting_for or 'its batches are on their way'}")
if remaining:
    sys.exit(f"{count(len(remaining), 'restore is', 'restores are')} not finished")
print("No restore is unfinished.")
