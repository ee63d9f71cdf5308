"""Loads demo data: small archives of random bytes, which the appliance makes itself and carries away like all
others. What has the title of an archive that is there already is left out. Remove them like any other
archive.

Arguments: how many, from 1 to 8 (usually all).
"""

import sys
import time

from appliance_api import appliance, number, size

TITLES = ("Photos 2019", "Photos 2020", "Letters", "Tax papers", "Grandmother's recipes", "School concert", "House plans", "Garden diary")
WAIT_S = 60.0

how_many = int(number(sys.argv[1], "how many to load", 1)) if len(sys.argv) > 1 else len(TITLES)
there = {archive.title for archive in appliance.archives(search="demo")}
begun = {}
for place, title in enumerate(TITLES[:how_many], start=1):
    named, size_bytes = f"{title} (demo)", place * 400_000
    if named in there:
        print(f"{named} is there already")
        continue
    begun[named] = appliance.ask("archive/demo", title=named, size_bytes=size_bytes)["archive_id"]
    print(f"{named}: {size(size_bytes)}", flush=True)

until_s = time.monotonic() + WAIT_S
while begun and time.monotonic() < until_s:
    states = {named: appliance.ask("archive/upload", archive_id=archive_id)["state"] for named, archive_id in begun.items()}
    begun = {named: archive_id for named, archive_id in begun.items() if states[named] != "received"}
    time.sleep(0.2)
if begun:
    sys.exit(f"not taken in yet: {', '.join(begun)}")
print("All of them are archives now.")
