"""TLS of the panel: a certificate of an authority of this computer's own, made by openssl."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.installation import writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.machine import computer_name
from appliance.installation.site import Site
from appliance.installation.steps import Step

_DAYS, _AUTHORITY_DAYS = 800, 3650  # browsers take no certificate of more than 825 days
_RENEWED_BEFORE_S = 90 * 24 * 3600
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_NEXT = "Give a certificate of your own (--tls-certificate, --tls-key), or do without TLS (--tls none)."


def files(site: Site) -> tuple[Path, Path] | None:
    """Certificate and key, as the installed programs find them; None without TLS."""
    if site.choices.tls == "own":
        return Path(site.choices.tls_certificate), Path(site.choices.tls_key)
    if site.choices.tls == "generated":
        return Path(site.layout.inside(_certificate(site))), Path(site.layout.inside(_key(site)))
    return None


def check(site: Site) -> None:
    """Raises CannotGoOn where an own certificate is missing, or does not belong to its key."""
    if site.choices.tls != "own":
        return
    certificate, key = (site.layout.at(path) for path in (site.choices.tls_certificate, site.choices.tls_key))
    for path in (certificate, key):
        if not path.is_file():
            raise CannotGoOn(f"there is no file {path}.", "Put it there, or give another with --tls-certificate and --tls-key.")
    public = [site.programs.run(*command).output for command in _public_keys(certificate, key)]
    if public[0] != public[1]:
        raise CannotGoOn(f"the key {key} is not that of the certificate {certificate}.", "Give the two that belong together.")


def steps(site: Site) -> Iterator[Step]:
    if site.choices.tls != "generated":
        return
    yield Step(
        words=f"make an authority for certificates ({site.layout.inside(authority(site))})",
        is_done=lambda: authority(site).is_file() and _authority_key(site).is_file(),
        do=lambda: _make_authority(site),
    )
    yield Step(
        words=f"make a certificate for {', '.join(_names(site))}",
        is_done=lambda: _is_good(site),
        do=lambda: _make_certificate(site),
    )


def authority(site: Site) -> Path:
    """What a browser is given, so that it trusts the panel."""
    return site.layout.tls / "authority.pem"


def _authority_key(site: Site) -> Path:
    return site.layout.tls / "authority.key"


def _certificate(site: Site) -> Path:
    return site.layout.tls / "panel.pem"


def _key(site: Site) -> Path:
    return site.layout.tls / "panel.key"


def _names(site: Site) -> list[str]:
    computer = computer_name(site.layout)
    return sorted({site.name, computer, f"{computer}.local"})


def _addresses(site: Site) -> list[str]:
    """Those that this computer has now; by the names it is found when they change."""
    shown = site.programs.run("ip", "-o", "addr", "show", "scope", "global").output
    found = re.findall(r"inet6? ([0-9a-fA-F.:]+)", shown)
    return sorted({str(ipaddress.ip_address(each)) for each in found} | {"127.0.0.1"})


def _is_good(site: Site) -> bool:
    """For all names, by our authority, and not soon at its end."""
    certificate, key = _certificate(site), _key(site)
    if not (certificate.is_file() and writing.has_rights(key, 0o600, site.layout.owner())):
        return False
    run = site.programs.run
    shown = run("openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectAltName").output
    lasts = run("openssl", "x509", "-in", certificate, "-noout", "-checkend", str(_RENEWED_BEFORE_S)).status == 0
    ours = run("openssl", "verify", "-CAfile", authority(site), certificate).status == 0
    public = [run(*command).output for command in _public_keys(certificate, key)]
    return lasts and ours and public[0] == public[1] and set(_names(site)) <= set(re.findall(r"DNS:([^,\s]+)", shown))


def _public_keys(certificate: Path, key: Path) -> tuple[tuple[str | Path, ...], tuple[str | Path, ...]]:
    return ("openssl", "x509", "-in", certificate, "-noout", "-pubkey"), ("openssl", "pkey", "-in", key, "-pubout")


def _make_authority(site: Site) -> None:
    with _workshop(site) as folder:
        extensions = ("-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0")
        subject = ("-subj", f"/CN=PyArchive on {computer_name(site.layout)}")
        made = ("-keyout", f"{folder}/key", "-out", f"{folder}/pem")
        _openssl(site, "req", "-x509", *_NEW_KEY, "-days", str(_AUTHORITY_DAYS), *subject, *extensions, *made)
        _keep(site, Path(folder, "key"), _authority_key(site), 0o600)
        _keep(site, Path(folder, "pem"), authority(site), 0o644)


def _make_certificate(site: Site) -> None:
    with _workshop(site) as folder:
        names = [f"DNS:{each}" for each in _names(site)] + [f"IP:{each}" for each in _addresses(site)]
        about = f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n"
        Path(folder, "about").write_text(about)
        asked = ("-subj", f"/CN={site.name[:64]}", "-keyout", f"{folder}/key", "-out", f"{folder}/csr")
        _openssl(site, "req", *_NEW_KEY, *asked)
        signed = ("-CA", authority(site), "-CAkey", _authority_key(site), "-CAcreateserial", "-CAserial", f"{folder}/serial")
        made = ("-extfile", f"{folder}/about", "-out", f"{folder}/pem")
        _openssl(site, "x509", "-req", "-in", f"{folder}/csr", *signed, "-days", str(_DAYS), *made)
        _keep(site, Path(folder, "pem"), _certificate(site), 0o644)
        _keep(site, Path(folder, "key"), _key(site), 0o600)  # last: a pair that does not match is made again


def _workshop(site: Site) -> TemporaryDirectory[str]:
    """Root's alone, like every folder of that kind."""
    writing.make_folder(site.layout.tls)
    return TemporaryDirectory(prefix=".new-", dir=site.layout.tls)


def _openssl(site: Site, *arguments: str | Path) -> None:
    site.programs.must("openssl", *arguments, next_step=_NEXT)


def _keep(site: Site, made: Path, place: Path, mode: int) -> None:
    writing.write(place, made.read_text(), mode, site.layout.owner())
