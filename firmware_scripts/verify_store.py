"""Reads every local copy and compares it with its checksums. What is found damaged is mended from a remote by
the appliance itself, where one has it.

Arguments: ids or titles of the archives to read; without any, all of them.
"""

import sys

from appliance_api import ApplianceError, appliance, count

try:
    result = appliance.verify(sys.argv[1:], local=True).wait_and_tell()
except ApplianceError as error:
    sys.exit(f"not read: {error}")
for finding in result["findings"]:
    batch = f"batch {finding['batch_index']}: " if finding["batch_index"] is not None else ""
    print(f"{finding['title']} ({finding['archive_id']}): {batch}{finding['what']}")
for sentence in result["unknown"]:
    print(f"not known: {sentence}")
print(f"{count(result['archives'], 'archive')}, {count(result['batches_checked'], 'batch read', 'batches read')}")
if result["damage_left"]:
    damaged = count(result["damage_left"], "batch is", "batches are")
    sys.exit(f"{damaged} damaged; what a remote has comes back by itself: run this again in a while")
if result["unknown"]:
    sys.exit("some could not be read, so nobody knows how they are")
