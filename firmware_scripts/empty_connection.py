"""Empties our folder on a connection: everything of ours there goes to its trash. Refused while it holds the
only copy of anything, while it is the active connection, and while there are archives that this appliance
does not know.

Arguments: the connection's name. That is a dry run; type the name a second time to do it.
"""

import sys

from appliance_api import ApplianceError, appliance, count, size

names = sys.argv[1:]
if len(names) not in {1, 2}:
    sys.exit("name one connection; " + ", ".join(connection.name for connection in appliance.connections()))
try:
    connection = appliance.connection(names[0])
    if names[1:] not in ([], [connection.name]):
        sys.exit(f"{names[1]!r} is not the name of the connection, {connection.name!r}; nothing was changed")
    result = appliance.job("connection/empty", connection=connection.id, confirm=connection.name if names[1:] else None).wait_and_tell()
except ApplianceError as error:
    sys.exit(f"not emptied: {error}")

what = f"{count(result['objects'], 'object')} of {count(result['archives'], 'archive')}, {size(result['bytes'])}"
if result["dry_run"]:
    print(f"For the trash of {connection.name}: {what}. This was a dry run; type the name twice to do it.")
else:
    print(f"In the trash of {connection.name}: {what}.")
