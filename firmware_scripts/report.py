"""Reports what is at risk, how much came in the last 30 days, and how fast it goes out, and publishes these
figures: Home Assistant shows them as sensors.
"""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

from appliance_api import appliance, count, size

GROWTH_DAYS = 30

figures = appliance.summary()
since = datetime.now(UTC) - timedelta(days=GROWTH_DAYS)
new = list(takewhile(lambda archive: archive.created_at >= since, appliance.archives(sort="created_at")))
grown_bytes = sum(archive.size_bytes for archive in new)
rate_bytes_per_s = sum(transfer.rate_bytes_per_s for transfer in appliance.moving() if transfer.direction == "up")

print(
    f"{count(figures.archives, 'archive')}, {size(figures.size_bytes)}; {size(figures.size_bytes - figures.released_bytes)} of it is here"
)
print(f"at risk, for it is only here: {size(figures.bytes_at_risk)}")
print(f"proven {figures.proven}, remote {figures.remote}, partial {figures.partial}, received {figures.received}")
print(f"damaged {figures.damaged}, lost {figures.lost}, not known {figures.unknown}")
print(f"new in {GROWTH_DAYS} days: {count(len(new), 'archive')}, {size(grown_bytes)}")
print(f"still to send: {size(figures.bytes_up)}, at {size(rate_bytes_per_s)} a second now")
if not any(connection.active for connection in appliance.connections()):
    print("no connection is active: nothing is sent anywhere")
if figures.bytes_up and rate_bytes_per_s:
    print(f"at that rate it takes {figures.bytes_up / rate_bytes_per_s / 3600:.1f} hours")
for archive in appliance.archives(healths=["damaged", "lost"]):
    print(f"{archive.title} is {archive.health}")

appliance.publish("at_risk", round(figures.bytes_at_risk / 1e9, 3), unit="GB", title="At risk")
appliance.publish("growth", round(grown_bytes / 1e9, 3), unit="GB", title=f"New in {GROWTH_DAYS} days")
appliance.publish("upload_rate", round(rate_bytes_per_s / 1e3, 1), unit="kB/s", title="Upload rate")
