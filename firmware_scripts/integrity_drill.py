"""Reads some of what lies on the remotes back and compares it: what was read back longest ago, or never, comes
first. Deployed every night, it proves everything again and again.

Arguments: how many MB it may read back (usually 200); at least the size of a batch.
"""

import sys

from appliance_api import appliance, count, number, size

budget_bytes = int(number(sys.argv[1] if len(sys.argv) > 1 else "200", "how many MB to read back", 0.001) * 1e6)
places = {connection.id: connection.name for connection in appliance.connections()}

result = appliance.verify(remote=True, read_back=True, read_back_bytes=budget_bytes).wait_and_tell()
for finding in result["findings"]:
    batch = "manifest" if finding["batch_index"] is None else f"batch {finding['batch_index']}"
    print(f"{finding['title']} on {places.get(finding['where'], finding['where'])}, {batch}: {finding['what']}")
for sentence in result["unknown"]:
    print(f"not known: {sentence}")

figures = appliance.summary()
print(f"at most {size(budget_bytes)} read back, {result['batches_damaged']} damaged")
print(f"{figures.proven} of {count(figures.archives, 'archive')} proven; the oldest proof: {figures.oldest_proof_at or 'not of all yet'}")
appliance.publish("damaged", result["batches_damaged"], title="Damage found by the drill")
appliance.publish("proven", figures.proven, title="Proven archives")
if result["damage_left"] or result["unknown"]:
    sys.exit(f"{result['damage_left']} damaged, {len(result['unknown'])} not known")
