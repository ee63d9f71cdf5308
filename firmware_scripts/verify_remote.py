"""Compares what lies on the remotes with what the ledgers say, and lists orphans: what lies there, or on the
disk, and no archive knows.

What is missing counts as missing from then on, and the appliance sends it again in its turn, as after each of
its own checks. Nothing is deleted.

Arguments: "repair" tries it at once and waits until all of it is back; "adopt" makes archives of the orphans
that can be adopted. Without them orphans are only listed.
"""

import sys

from appliance_api import appliance, count, size

if wrong := set(sys.argv[1:]) - {"repair", "adopt"}:
    sys.exit(f"{', '.join(sorted(wrong))}: there are only the arguments repair and adopt")
repair, adopt = "repair" in sys.argv, "adopt" in sys.argv

if repair:
    appliance.sync()
check = appliance.verify(remote=True, repair=repair).wait_and_tell()
for finding in check["findings"]:
    batch = "manifest" if finding["batch_index"] is None else f"batch {finding['batch_index']}"
    print(f"{finding['title']}: {batch} {finding['what']}; {'it is back' if finding['repaired'] else 'it is sent again in its turn'}")
looked_for = count(check["batches_checked"], "batch looked for", "batches looked for")
print(f"{count(check['archives'], 'archive')}, {looked_for}, {check['batches_damaged']} missing or damaged")

# A look at orphans is no change; only to adopt them is one.
found = (appliance.job("integrity/orphans", adopt=True) if adopt else appliance.orphans()).wait_and_tell()
places = {connection.id: connection.name for connection in appliance.connections()}
for orphan in found["orphans"]:
    end = "adopted" if orphan["adopted"] else orphan["why_not"] or "not adopted"
    place = places.get(orphan["where"], orphan["where"])
    print(f"orphan: {place}/{orphan['archive_id']}/{orphan['name']}, {size(orphan['size_bytes'])}{f': {end}' if adopt else ''}")
unknown = [*check["unknown"], *found["unknown"]]
for sentence in unknown:
    print(f"not known: {sentence}")

orphans = sum(not orphan["adopted"] for orphan in found["orphans"])
remains = {"missing or damaged": check["damage_left"], "not adopted": orphans, "not known": len(unknown)}
if any(remains.values()):
    sys.exit("left: " + ", ".join(f"{count} {what}" for what, count in remains.items() if count))
