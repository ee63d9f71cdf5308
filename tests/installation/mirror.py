"""Where this machine gets its packages from: read from its own configuration of apt and pip, so that no host's name stands in the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class NoMirror(Exception):
    """Apt of this machine knows no mirror of Debian; name one with --mirror."""


def debian_mirror() -> str:
    """A mirror of Debian itself, that is, not of its security updates. Raises NoMirror."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        said = ""
    if mirror := mirror_among(said):
        return mirror
    raise NoMirror("apt of this machine knows no mirror of Debian (after apt-get update it may); name one with --mirror URL")


def mirror_among(targets: str) -> str | None:
    """The first of lines ``origin|label|address`` that is Debian's own."""
    found = (line.split("|", 2) for line in targets.splitlines() if line.count("|") >= 2)
    return next((address for origin, label, address in found if (origin, label) == ("Debian", "Debian")), None)


def apt_settings() -> str:
    """How apt of this machine reaches its mirrors (proxies, certificates), as a configuration file."""
    said = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "".join(f"{line}\n" for line in said.splitlines() if re.match(r"Acquire::(https?|ftp|Retries)\b", line))


def pip_settings() -> dict[str, str]:
    """The settings of pip here as its environment variables."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    return pip_variables(said)


def pip_variables(listed: str) -> dict[str, str]:
    """``pip config list`` as variables; where a setting stands in several places, the environment's holds."""
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        if match := re.fullmatch(r"(?:global|install|download|:env:)\.([\w-]+)='(.*)'", line):
            found[f"PIP_{match[1].replace('-', '_').upper()}"] = match[2].replace("\\n", " ")
    return found


def local_paths(settings: Mapping[str, str]) -> set[Path]:
    """Files and folders of this machine that these settings name, also as ``file://``: whoever uses them needs them, too."""
    words = (word.removeprefix("file://") for value in settings.values() for word in value.split())
    paths = {Path(word) for word in words if word.startswith("/")}
    # The pages of an index in a folder name files beside it.
    return {path.parent if path.name == "simple" else path for path in paths if path.exists()}


def network_variables() -> dict[str, str]:
    """Proxies and certificates in this process's environment."""
    names = re.compile(r"(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if names.fullmatch(name)}
