"""Tries now all that waits for another try, and follows the queue until nothing is left or nothing moves any
more.

It does not end a pause, nor what the timetable or metered mode hold back.

Arguments: for how many seconds nothing may move before it gives up (usually 60).
"""

import sys

from appliance_api import appliance, count, number, size, until_still

DESCRIPTION_BYTES = 1000

still_s = number(sys.argv[1], "how many seconds nothing may move") if len(sys.argv) > 1 else 60.0


def left() -> int:
    """Bytes that have to be moved, and a description with each archive, which may be all that is missing."""
    moved = sum(transfer.done_bytes for transfer in appliance.moving())
    queue = list(appliance.waiting())
    return max(0, sum(each.bytes + DESCRIPTION_BYTES for each in queue) - moved)


appliance.sync()
for left_bytes in until_still(left, still_s):
    print(f"{size(left_bytes)} left to move", flush=True)

queue = list(appliance.waiting())
for each in queue:
    print(f"{each.title}: {count(each.batches, 'batch', 'batches')} {each.direction}, {each.reason or 'no reason is known'}")
if queue:
    sys.exit(f"{count(len(queue), 'archive')} left to move")
print("Nothing waits.")
