"""Leaves an empty appliance: forgets every connection, and moves every archive to the trash, where it can be
taken back for 30 days. Users, settings and scripts stay.

Nothing on a remote is touched: connections are forgotten first, so that no removal reaches them; "pyarchive
recover" brings back what lies there. Refused while anything is not here whole: restore it first.

Arguments: the appliance's id. Without it, it is a dry run, which tells the id.
"""

import sys

from appliance_api import ApplianceError, Facts, appliance, count, size

AT_A_TIME = 500

connections = appliance.connections()
archives = list(appliance.archives())
uploads = [Facts(facts, appliance) for facts in appliance.ask("archive/uploads", limit=200)["uploads"]]
if connections:
    own_id = appliance.ask("connection/recovery-kit", connection=connections[0].id)["appliance_id"]
else:
    own_id = appliance.setting("appliance_id")
print(f"appliance {own_id}: {count(len(archives), 'archive')}, {count(len(connections), 'connection')}, {count(len(uploads), 'upload')}")
print(f"only here, and gone for ever after those 30 days: {size(appliance.summary().bytes_at_risk)}")

# With two connections each may hold a copy of what is not here: either can be forgotten, and then the other cannot.
away = [*appliance.archives(local=False), *appliance.archives(local=False, removed=True)]
for archive in away:
    print(f"not here whole: {archive.title} ({archive.id}){', which is in the trash' if archive.removed_at else ''}")
if away:
    lie = count(len(away), "archive lies", "archives lie")
    sys.exit(f"refused, nothing was changed: {lie} on a connection only; restore that first, whatever is in the trash too")
if not sys.argv[1:]:
    print("This was a dry run; type the id to do it.")
    sys.exit()
if sys.argv[1:] != [own_id]:
    sys.exit("refused, nothing was changed: that is not the id of this appliance")

try:
    for connection in connections:
        appliance.ask("connection/remove", connection=connection.id)
        print(f"connection {connection.name} is forgotten", flush=True)
    for upload in uploads:
        if upload.state in {"filling", "failed"}:
            appliance.ask("archive/abort", archive_id=upload.archive_id)
    for first in range(0, len(archives), AT_A_TIME):
        some = [archive.id for archive in archives[first : first + AT_A_TIME]]
        removed = appliance.job("archive/many", act="remove", archives=some).wait()
        print(f"in the trash: {count(removed['done'], 'archive')}", flush=True)
except ApplianceError as error:
    sys.exit(f"stopped on the way: {error}; run this again")
if left := len(list(appliance.archives())):
    sys.exit(f"{count(left, 'archive is', 'archives are')} still there, or came meanwhile; run this again")
print("The appliance is empty.")
