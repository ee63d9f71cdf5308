"""install.sh decides rightly what to install and what to run. Python, pip and uv are stand-ins that note how they were called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ["bash", "cat", "chmod", "cp", "dirname", "env", "flock", "mkdir", "mv", "rm", "sleep", "touch"]

PYTHON = r"""#!/usr/bin/env bash
# An interpreter that can make environments of itself, and notes in NOTES what was asked of it.
case "$*" in
  "--version") echo "Python 3.11.0" ;;
  *cache_tag*) echo "${TAG:-cpython-311}" ;;
  *version_info*) [[ -z "${TOO_OLD:-}" ]] || exit 1; echo "$0" ;;
  "-m venv --without-pip "*) echo venv >>"$NOTES"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  */requirements/web.py*)
    [[ -z "${NOTE_WEB:-}" ]] || echo "web ${*: 2}" >>"$NOTES"
    [[ -z "${NO_WEB:-}" ]] || { echo "no registry within reach" >&2; exit 1; } ;;
  "-m pip --version") ;;
  "-m pip install "*)
    echo "pip ${*: -1}" >>"$NOTES"
    [[ -z "${KILLED:-}" ]] || kill -9 "$PPID"
    [[ -z "${GATE:-}" ]] || until [[ -e "$GATE" ]]; do sleep 0.01; done
    [[ -z "${NO_INDEX:-}" ]] || { echo "no index within reach"; exit 1; }
    for tool in pyarchive ruff mypy shellcheck; do
      printf '#!/bin/sh\necho %s "$@" >>"$NOTES"\ntest "$BROKEN" != %s\n' "$tool" "$tool" >"${0%/*}/$tool"
      chmod +x "${0%/*}/$tool"
    done ;;
  *) echo "python $*" >>"$NOTES"; exit "${RESULT:-0}" ;;
esac
"""

UV = """#!/usr/bin/env bash
[[ "$*" != --version ]] || exit 0
echo "uv ${*: -1}" >>"$NOTES"
[[ -z "${UV_FAILS:-}" ]]
"""

APT = """#!/usr/bin/env bash
asked="$*"
echo "apt ${asked##*recommends }" >>"$NOTES"
[[ -z "${NO_PACKAGES:-}" ]]
"""
SUDO = """#!/usr/bin/env bash
shift
exec "$@"
"""
NO_TEE = """#!/usr/bin/env bash
cat >/dev/null
"""


class Clone:
    """A clone with the real install.sh on a machine that has little but bash and a stand-in for Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a clone"
        self.bin = folder / "bin"
        self.notes = folder / "notes"
        self.folder.mkdir()
        self.bin.mkdir()
        for name in ("install.sh", "requirements", "pyproject.toml", ".ci"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.folder / name)
        for tool in TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.add_command("python3", PYTHON)

    def add_command(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "NOTES": str(self.notes), "HOME": "/nonexistent", "LANG": "C.UTF-8"} | more

    def start(self, *arguments: str, script: str = "install.sh", **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / script), *arguments],
            env=self.environment(**more),
            cwd=self.bin,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, script: str = "install.sh", **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, script=script, **more)
        out, err = process.communicate(timeout=30)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def noted(self, *, types: bool = False) -> list[str]:
        """What was asked since the last time; ``types``: also that of mypy, which goes on beside the tests."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return [line for line in lines if types or not line.startswith("mypy")]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


MADE = ["venv", "pip requirements/appliance.txt", "pip ."]
DEV = "pip requirements/dev.txt"


@pytest.mark.parametrize("arguments", [["start"], ["check", "now"]])
def test_a_wrong_call_gets_the_usage_and_changes_nothing(clone: Clone, arguments: list[str]) -> None:
    done = clone.run(*arguments)
    assert done.returncode == 2
    assert "usage: sudo ./install.sh" in done.stderr
    assert all(word in done.stderr for word in arguments)
    assert not clone.noted()
    assert not (clone.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], "install"),
        (["--dry-run", "--data", "/mnt/disk"], "install --dry-run --data /mnt/disk"),
        (["--uninstall", "--yes"], "uninstall --yes"),
        (["upgrade"], "upgrade"),
    ],
)
def test_installing_is_for_root_alone_and_is_done_by_the_installation(clone: Clone, arguments: list[str], asked: str) -> None:
    done = clone.run(*arguments)
    assert (done.returncode, "sudo ./install.sh" in done.stderr) == ((0, False) if os.geteuid() == 0 else (1, True))
    assert [line for line in clone.noted() if "appliance.installation" in line] == (
        [f"python -B -P -m appliance.installation {asked}"] if os.geteuid() == 0 else []
    )
    assert not (clone.folder / ".venv").exists()


def test_help_is_an_answer_not_an_error(clone: Clone) -> None:
    done = clone.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "campaign [NAME]" in done.stdout


def test_the_demo_installs_what_the_appliance_needs_and_hands_on_its_arguments(clone: Clone) -> None:
    assert clone.run("demo", "--data", "my folder").returncode == 0
    assert clone.noted() == [*MADE, "pyarchive demo --data my folder"]


def test_a_second_call_installs_nothing(clone: Clone) -> None:
    clone.run("campaign")
    clone.noted()
    done = clone.run("campaign", "kills", "--seed", "1")
    assert clone.noted() == ["python -m tests.campaigns kills --seed 1"]
    assert done.stderr == ""


def test_development_tools_are_added_beside_a_running_demo(clone: Clone) -> None:
    clone.run("demo")
    assert clone.noted()
    clone.run("campaign")
    assert clone.noted() == [DEV, "python -m tests.campaigns"]


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("requirements/appliance.txt", ["venv", "pip requirements/appliance.txt", DEV, "pip ."]),
        ("requirements/dev.txt", [DEV]),
        ("pyproject.toml", ["pip ."]),
    ],
)
def test_what_changed_is_installed_again_and_no_more(clone: Clone, file: str, again: list[str]) -> None:
    clone.run("campaign")
    clone.noted()
    with (clone.folder / file).open("a") as changed:
        changed.write("# changed\n")
    clone.run("campaign")
    assert clone.noted() == [*again, "python -m tests.campaigns"]


def test_another_python_gets_a_new_environment(clone: Clone) -> None:
    clone.run("demo")
    clone.noted()
    clone.run("demo", TAG="cpython-313")
    assert clone.noted() == [*MADE, "pyarchive demo"]


def test_a_python_that_is_gone_gets_a_new_environment(clone: Clone) -> None:
    clone.run("demo")
    clone.noted()
    (clone.folder / ".venv/bin/python").unlink()
    (clone.folder / ".venv/bin/python").symlink_to("/nonexistent/python")
    clone.run("demo")
    assert clone.noted() == [*MADE, "pyarchive demo"]


def test_a_moved_clone_gets_a_new_environment(clone: Clone) -> None:
    clone.run("demo")
    clone.noted()
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    clone.run("demo")
    assert clone.noted() == [*MADE, "pyarchive demo"]


def test_an_environment_that_was_killed_half_made_is_made_again(clone: Clone) -> None:
    assert clone.run("demo", KILLED="1").returncode == -9
    clone.noted()
    (clone.folder / ".venv/left-over").touch()
    assert clone.run("demo").returncode == 0
    assert clone.noted() == [*MADE, "pyarchive demo"]
    assert not (clone.folder / ".venv/left-over").exists()


def test_a_step_that_was_killed_is_done_again_even_when_all_is_as_before(clone: Clone) -> None:
    clone.run("campaign")
    tools = clone.folder / "requirements/dev.txt"
    before = tools.read_bytes()
    tools.write_bytes(before + b"# newer\n")
    clone.run("campaign", KILLED="1")
    tools.write_bytes(before)
    clone.noted()
    clone.run("campaign")
    assert clone.noted() == [DEV, "python -m tests.campaigns"]


def test_an_environment_that_is_no_work_of_ours_is_made_again(clone: Clone) -> None:
    (clone.folder / ".venv/bin").mkdir(parents=True)
    clone.run("demo")
    assert clone.noted() == [*MADE, "pyarchive demo"]


def test_a_failed_installation_says_why_and_what_to_do(clone: Clone) -> None:
    done = clone.run("demo", NO_INDEX="1")
    assert done.returncode == 1
    assert "no index within reach" in done.stdout + done.stderr
    assert "try again" in done.stderr
    assert clone.noted() == MADE[:2]


@pytest.mark.skipif(shutil.which("flock") is None, reason="without flock two calls are not kept apart")
def test_two_calls_at_the_same_time_make_one_environment(clone: Clone, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = clone.start("demo", GATE=str(gate))
    wait_for(lambda: clone.notes.exists() and "pip" in clone.notes.read_text())
    second = clone.start("demo", GATE=str(gate))
    assert second.stderr is not None
    assert "Waiting" in second.stderr.readline()
    gate.touch()
    for process in (first, second):
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert clone.noted() == [*MADE, "pyarchive demo", "pyarchive demo"]


def test_no_python_that_will_do_is_said_with_the_remedy(clone: Clone) -> None:
    done = clone.run("demo", TOO_OLD="1")
    assert done.returncode == 1
    assert "Python 3.11" in done.stderr
    assert "apt-get install" in done.stderr


def test_a_newer_python_beside_an_old_one_is_found(clone: Clone) -> None:
    clone.add_command("python3.12", PYTHON)
    clone.add_command("python3", "#!/bin/sh\nexit 1\n")
    assert clone.run("demo").returncode == 0
    assert clone.noted()[0] == "venv"


def test_uv_is_used_where_it_is(clone: Clone) -> None:
    clone.add_command("uv", UV)
    clone.run("campaign")
    assert clone.noted() == ["venv", "uv requirements/appliance.txt", "uv requirements/dev.txt", "uv .", "python -m tests.campaigns"]


def test_pip_is_used_where_uv_fails(clone: Clone) -> None:
    clone.add_command("uv", UV)
    clone.run("demo", UV_FAILS="1")
    assert clone.noted() == [
        "venv",
        *(f"{tool} {what}" for what in ("requirements/appliance.txt", ".") for tool in ("uv", "pip")),
        "pyarchive demo",
    ]


def test_the_tests_come_after_the_checks_and_their_exit_code_is_the_result(clone: Clone) -> None:
    done = clone.run("test", "-k", "a name", RESULT="5")
    ran = clone.noted()
    assert done.returncode == 5
    assert ran[-1] == "python -m pytest -k a name"
    assert [line.split()[0] for line in ran[-4:-1]] == ["ruff", "ruff", "shellcheck"]


@pytest.mark.parametrize("result", [0, 5])
def test_the_types_are_looked_at_beside_the_tests_and_wrong_ones_are_a_failure(clone: Clone, result: int) -> None:
    good = clone.run("test", RESULT=str(result))
    assert (good.returncode, "mypy: good" in good.stderr) == (result, True)
    assert "mypy" in [line.split()[0] for line in clone.noted(types=True)]
    done = clone.run("test", BROKEN="mypy", RESULT=str(result))
    assert done.returncode == 1
    assert "mypy: failed" in done.stderr
    assert "python -m pytest" in clone.noted()


def test_files_of_npm_packages_come_before_what_needs_them(clone: Clone) -> None:
    clone.run("demo", NOTE_WEB="1")
    assert clone.noted()[-2:] == ["web tus-js-client", "pyarchive demo"]
    clone.run("test", NOTE_WEB="1")
    assert clone.noted()[-2:] == ["web tus-js-client axe-core", "python -m pytest"]


def test_without_the_npm_registry_the_demo_starts_and_says_what_is_missing_and_no_test_runs(clone: Clone) -> None:
    demo, test = clone.run("demo", NO_WEB="1"), clone.run("test", NO_WEB="1")
    assert (demo.returncode, test.returncode) == (0, 1)
    for done in (demo, test):
        assert "no registry within reach" in done.stderr
        assert "PYARCHIVE_NPM_REGISTRY" in done.stderr
    assert not [line for line in clone.noted() if "pytest" in line]


@pytest.mark.parametrize("tool", ["ruff", "shellcheck"])
def test_no_test_runs_where_a_check_fails(clone: Clone, tool: str) -> None:
    done = clone.run("test", BROKEN=tool)
    assert done.returncode == 1
    assert f"{tool}" in done.stderr
    assert "failed" in done.stderr
    assert not [line for line in clone.noted() if "pytest" in line]
    assert clone.run("check", BROKEN=tool).returncode == 1
    assert clone.run("check").returncode == 0


@pytest.fixture
def debian(clone: Clone) -> Clone:
    """Its user may install packages; nothing is written outside the clone."""
    for name, text in (("apt-get", APT), ("sudo", SUDO), ("tee", NO_TEE)):
        clone.add_command(name, text)
    return clone


WANTED = ["apt zsh", "apt chromium chromium-driver"]


def test_what_the_tests_need_of_the_system_is_installed_before_them(debian: Clone) -> None:
    done = debian.run("test")
    ran = debian.noted()
    assert ran[-3:] == [*WANTED, "python -m pytest"]
    assert "Installing Chromium" in done.stderr
    for command in ("demo", "check", "campaign"):
        debian.run(command)
    assert not [line for line in debian.noted() if line.startswith("apt")]


def test_what_is_there_is_not_installed(debian: Clone) -> None:
    for name in ("mosquitto", "zsh", "chromium", "chromedriver"):
        debian.add_command(name, SUDO)
    assert "Installing" not in debian.run("test").stderr
    assert not [line for line in debian.noted() if line.startswith("apt")]


def test_the_tests_run_without_what_cannot_be_had_and_this_is_said(debian: Clone) -> None:
    done = debian.run("test", NO_PACKAGES="1")
    assert done.returncode == 0
    assert "zsh is not here and was not installed: apt-get could not install it. The tests that need it are skipped." in done.stderr
    assert "Chromium is not here and was not installed" in done.stderr
    assert debian.noted()[-1] == "python -m pytest"
    (debian.bin / "apt-get").unlink()
    assert "zsh is not here and was not installed: apt-get as root is not to be had" in debian.run("test").stderr


def test_ci_runs_the_tests_and_passes_on_their_result(clone: Clone) -> None:
    assert clone.run(script=".ci/run", RESULT="3").returncode == 3
    assert clone.noted()[-1] == "python -m pytest"


def test_renewing_the_lock_without_uv_says_how_to_get_it(clone: Clone) -> None:
    done = clone.run("lock")
    assert done.returncode == 1
    assert "pip install uv" in done.stderr


def locked(name: str) -> dict[str, str]:
    """Package to version."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))


def test_the_lock_has_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run = [*project["project"]["dependencies"], *project["build-system"]["requires"], *project["dependency-groups"]["build"]]
    dev = project["project"]["optional-dependencies"]["dev"]
    for file, texts in (("appliance.txt", run), ("dev.txt", [*run, *dev])):
        for requirement in map(Requirement, texts):
            version = locked(file).get(requirement.name)
            assert version, f"{file} lacks {requirement}: run ./install.sh lock"
            assert requirement.specifier.contains(Version(version)), f"{file} has {version} for {requirement}: run ./install.sh lock"


def test_the_two_locks_agree() -> None:
    assert locked("appliance.txt").items() <= locked("dev.txt").items()


@pytest.mark.parametrize("name", ["appliance.txt", "dev.txt"])
def test_every_locked_package_has_its_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(name)) > 5
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_scripts_can_be_run_as_they_are() -> None:
    assert all(os.access(ROOT / script, os.X_OK) for script in ("install.sh", ".ci/run"))
