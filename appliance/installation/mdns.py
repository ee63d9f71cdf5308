"""The panel by name in the house: Avahi says this computer's own name, and that there is a web page on it."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.installation import writing
from appliance.installation.site import Site
from appliance.installation.steps import Step

_FILE = "/etc/avahi/services/pyarchive.service"
_TEXT = """<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name replace-wildcards="yes">PyArchive on %h</name>
  <service>
    <type>_{scheme}._tcp</type>
    <port>{port}</port>
  </service>
</service-group>
"""


def steps(site: Site) -> Iterator[Step]:
    """Avahi sees by itself that the file came, changed or went."""
    path, owner = site.layout.at(_FILE), site.layout.owner()
    text = _TEXT.format(scheme="http" if site.choices.tls == "none" else "https", port=site.choices.port)
    if site.choices.mdns:
        yield Step(
            words=f"say in the house where the panel is ({_FILE})",
            is_done=lambda: writing.is_written(path, text, 0o644, owner),
            do=lambda: writing.write(path, text, 0o644, owner),
        )
    else:
        yield from removal(site)


def removal(site: Site) -> Iterator[Step]:
    path = site.layout.at(_FILE)
    yield Step(words=f"remove {_FILE}", is_done=lambda: not path.exists(), do=lambda: writing.remove(path))
