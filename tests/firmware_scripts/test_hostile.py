"""Scripts that would harm, each contained and told in words. Those under ``apart`` are held by a Unix user of the scripts' own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from mqtt.script_messages import Limits
from tests.firmware_scripts.conftest import Stage, raise_stage
from tests.firmware_scripts.test_runner import working
from tests.runners import SYSTEM_PYTHON, scripts_user
from tests.waiting import wait_for

_CGROUP_TREES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a script another user; on a Pi its unit does")


def quiet(stage: Stage) -> None:
    """Nothing of any run is left, and the next one runs."""
    wait_for(lambda: not working(stage), what="the working folders to go")
    assert stage.orders.run("print('next')").state == "ended"
    wait_for(lambda: alive_below(stage.runner.pid) <= 1, what="all but the spare keeper to go")


def alive_below(pid: int) -> int:
    states = []
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            states.append(process.status())
    return len([state for state in states if state != psutil.STATUS_ZOMBIE])


def test_a_fork_bomb_is_held_and_ended(stage: Stage) -> None:
    source = "import os\nprint('begun', flush=True)\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    state = stage.orders.run(source, limits=Limits(processes=20, wall_s=3))
    assert state.state in {"over_limit", "timed_out"}, state
    assert any(word in (state.reason or "") for word in ("20 processes", "3 s"))
    quiet(stage)


def test_many_threads_are_held(stage: Stage) -> None:
    source = "import threading, time\nfor _ in range(500):\n    threading.Thread(target=time.sleep, args=(2,)).start()"
    state = stage.orders.run(source, limits=Limits(processes=20, wall_s=20))
    assert state.state in {"over_limit", "ended"}, state
    assert state.reason == "it had more than 20 processes and threads at a time" or "can't start new thread" in "".join(
        stage.orders.text(state.run_id)
    )
    quiet(stage)


def test_two_gib_of_output_are_counted_not_kept(stage: Stage) -> None:
    source = "import os\nblock = (b'x' * 63 + b'\\n') * 1024\nfor _ in range(32 * 1024):\n    os.write(1, block)"
    run_id = stage.orders.order(source, limits=Limits(wall_s=3, output_bytes=100_000))
    state = stage.orders.wait_end(run_id, 30)
    assert state.state == "timed_out"  # 2 GiB are read at 16 MiB/s at most: no processor is burnt on them
    assert state.dropped_lines > 10_000
    assert sum(len(text) for text in stage.orders.text(run_id)) < 200_000
    assert psutil.Process(stage.runner.pid).memory_info().rss < 100e6


@pytest.mark.parametrize("mib", [400, 10 << 10])
def test_memory_beyond_the_limit_is_refused(stage: Stage, mib: int) -> None:
    state = stage.orders.run(f"bytearray({mib} << 20)")
    assert (state.state, state.reason) == ("over_limit", "it asked for more than 256 MiB of memory")


def test_memory_of_many_processes_counts_together(stage: Stage) -> None:
    source = "import os, time\nfor _ in range(5): os.fork()\nheld = bytearray(b'x' * (40 << 20))\ntime.sleep(30)"
    state = stage.orders.run(source, limits=Limits(memory_mib=128, processes=64))
    assert (state.state, state.reason) == ("over_limit", "it used more than 128 MiB of memory")
    quiet(stage)


def test_who_ignores_sigterm_is_killed_after_the_grace_time(stage: Stage) -> None:
    source = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('begun', flush=True)\nwhile True: time.sleep(1)"
    run_id = stage.orders.order(source)
    stage.orders.wait_text(run_id, "begun")
    stage.orders.kill(run_id, grace_s=0.5)
    state = stage.orders.wait_end(run_id, 10)
    assert (state.state, state.exit_status) == ("killed", -9)


def test_who_forks_twice_into_a_session_of_its_own_is_found(stage: Stage) -> None:
    source = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("away", os.getpid(), flush=True)
        while True: time.sleep(1)
    os._exit(0)
while True: time.sleep(1)
"""
    run_id = stage.orders.order(source)
    stage.orders.wait_text(run_id, "away")
    pid = int(stage.orders.text(run_id)[0].split()[1])
    stage.orders.kill(run_id, grace_s=0.5)
    assert stage.orders.wait_end(run_id, 10).state == "killed"
    assert not psutil.pid_exists(pid)


def test_who_closes_its_output_and_lingers_is_ended_by_its_time(stage: Stage) -> None:
    source = "import os, time\nprint('bye', flush=True)\nos.close(1), os.close(2)\ntime.sleep(60)"
    state = stage.orders.run(source, limits=Limits(wall_s=1))
    assert state.state == "timed_out"
    assert stage.orders.text(state.run_id) == ["bye"]


def test_a_script_that_fills_the_disk_is_ended(stage: Stage) -> None:
    source = "import time\nn = 0\nwhile True:\n    n += 1\n    open(f'{n}', 'wb').write(bytes(1 << 20))\n    time.sleep(0.01)"
    state = stage.orders.run(source, limits=Limits(files_mib=8))
    assert (state.state, state.reason) == ("over_limit", "its files took more than 8 MiB")
    quiet(stage)


def test_one_large_file_is_refused_by_the_system(stage: Stage) -> None:
    state = stage.orders.run("open('large', 'wb').write(bytes(20 << 20))", limits=Limits(files_mib=8))
    assert state.exit_status == 1
    assert "File too large" in stage.orders.text(state.run_id)[-1]


def test_folders_that_nest_deep_and_forbid_everything_go_with_the_run(stage: Stage) -> None:
    source = "import os\nfor _ in range(3000):\n    os.mkdir('deep')\n    os.chdir('deep')\nopen('file', 'w')\nos.chmod('.', 0)"
    assert stage.orders.run(source).state == "ended"
    quiet(stage)


def test_a_flood_of_requests_is_slowed_down(stage: Stage) -> None:
    source = """
import os, json, time, threading
from appliance_api import appliance
until = time.monotonic() + 4
count = 0
def flood():
    global count
    while time.monotonic() < until:
        appliance.ask("archive/list")
        count += 1
threads = [threading.Thread(target=flood) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(count)
"""
    state = stage.orders.run(source)
    assert state.state == "ended", stage.orders.text(state.run_id)
    assert int(stage.orders.text(state.run_id)[0]) <= 100 + 50 * 6


def test_rubbish_on_the_socket_is_answered_and_harms_nobody(stage: Stage) -> None:
    asked = len(stage.orders.asked)
    source = """
import os, json
def say(line):
    os.write(3, line + b"\\n")
    print(os.read(3, 65536).decode().strip())
say(b"not json")
say(b'{"id": 1, "verb": "../../appliance/state", "parameters": {}}')
say(b'{"id": 2, "verb": "archive/+"}')
say(b'{"id": 3, "verb": "archive/list", "parameters": [1]}')
say(b'{"id": 4, "verb": "archive/list", "parameters": ' + b'{"a":' * 60 + b'1' + b'}' * 60 + b'}')
say(b'[' * 100_000)
os.write(3, b"x" * 300_000)
print(os.read(3, 65536).decode().strip())
"""
    state = stage.orders.run(source)
    text = stage.orders.text(state.run_id)
    assert sum('"error"' in line for line in text) == 7, text
    assert len(stage.orders.asked) == asked


def test_the_run_id_is_the_runners_word_not_the_scripts(stage: Stage) -> None:
    source = "from appliance_api import appliance\nprint(appliance.ask('archive/list', run_id='another', transaction='mine')['run_id'])"
    state = stage.orders.run(source)
    assert stage.orders.text(state.run_id) == [state.run_id]
    assert stage.orders.asked[-1][0] == "scripts"


def test_the_broker_takes_nobody_without_a_login(stage: Stage) -> None:
    port = stage.orders._client.address.port
    source = f"""
import socket
wire = socket.create_connection(("127.0.0.1", {port}), 5)
wire.sendall(bytes([0x10, 16, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 4]) + b"evil")
print(wire.recv(4)[-1:].hex())
"""
    state = stage.orders.run(source)
    assert stage.orders.text(state.run_id) in (["05"], ["04"], [""]), stage.orders.text(state.run_id)


# Held by a user of their own


@pytest.fixture(scope="module", params=["by root", "as on a Pi"])
def apart(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The runner as root, and as a user of its own that may only change to the scripts' user."""
    pi = request.param == "as on a Pi"
    if pi and not _can_be_as_on_a_pi():
        pytest.skip("setpriv, the system's Python of our version, or a clone that others may read is missing")
    with ExitStack() as stack:
        yield raise_stage(stack, tmp_path_factory, unprivileged=pi, PYARCHIVE_SCRIPTS_USER=scripts_user())


def _can_be_as_on_a_pi() -> bool:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    readable = all(path.stat().st_mode & 0o001 for path in Path(__file__).resolve().parents)
    return readable and shutil.which("setpriv") is not None and SYSTEM_PYTHON.resolve().name == f"python{version}"


@needs_root
def test_apart_the_state_says_that_scripts_have_their_own_user(apart: Stage) -> None:
    assert apart.orders.heard.runner
    assert apart.orders.heard.runner.can == ["own_user"]
    state = apart.orders.run("import os\nprint(os.getuid(), os.geteuid(), os.getgroups())\nos.setuid(0)")
    uid = pwd.getpwnam(scripts_user()).pw_uid
    assert apart.orders.text(state.run_id)[0].startswith(f"{uid} {uid} []")
    assert "PermissionError" in apart.orders.text(state.run_id)[-1]


@needs_root
def test_apart_secrets_catalog_and_the_runner_itself_are_out_of_reach(apart: Stage, tmp_path: Path) -> None:
    data = Path("/var/tmp") / f"data-{os.getpid()}"
    for name in ("secrets", "catalog"):
        (data / name).mkdir(parents=True, mode=0o700)
        (data / name / "file").write_text("private")
    try:
        pid = apart.runner.pid
        names = [str(data / "secrets/file"), str(data / "catalog/file"), f"/proc/{pid}/environ", f"/proc/{pid}/mem"]
        source = f"""
import os
for name in {names!r}:
    try:
        print(open(name, 'rb').read(100))
    except OSError as error:
        print(error.strerror)
try:
    os.kill({pid}, 9)
except OSError as error:
    print(error.strerror)
try:
    os.kill(os.getppid(), 9)
except OSError as error:
    print(error.strerror)
"""
        state = apart.orders.run(source)
        assert apart.orders.text(state.run_id) == ["Permission denied"] * 4 + ["Operation not permitted"] * 2
    finally:
        shutil.rmtree(data)


@needs_root
def test_apart_the_parents_of_the_working_folder_stay(apart: Stage) -> None:
    source = (
        "import os, shutil\nshutil.rmtree(os.path.dirname(os.getcwd()), ignore_errors=True)\nshutil.rmtree('../..', ignore_errors=True)"
    )
    assert apart.orders.run(source).state == "ended"
    quiet(apart)


@needs_root
def test_apart_a_fork_bomb_is_stopped_by_the_system_itself(apart: Stage) -> None:
    source = """
import os, time
count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except BlockingIOError:
    print(count)
"""
    state = apart.orders.run(source, limits=Limits(processes=20))
    assert state.state in {"ended", "over_limit"}
    assert state.state == "over_limit" or int(apart.orders.text(state.run_id)[0]) <= 20
    quiet(apart)


@needs_root
def test_a_run_has_a_cgroup_where_one_was_given_to_the_runner(tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = next((place for place in map(Path, _CGROUP_TREES) if (place / "cgroup.subtree_control").exists()), None)
    if tree is None or not os.access(tree, os.W_OK):
        pytest.skip("there is no cgroup v2 here, or it may not be changed")
    given = tree / f"pyarchive-test-{os.getpid()}"
    given.mkdir()
    try:
        with ExitStack() as stack:
            stage = raise_stage(stack, tmp_path_factory, PYARCHIVE_SCRIPTS_CGROUP=str(given))
            source = "import subprocess\nsubprocess.Popen(['sleep', '100'])\nprint(open('/proc/self/cgroup').read())"
            state = stage.orders.run(source)
            assert f"0::/{given.name}/run-" in "".join(stage.orders.text(state.run_id))
            wait_for(lambda: [path.name for path in given.iterdir() if path.is_dir()] == ["runner"], what="the run's cgroup to go")
    finally:
        (given / "runner").rmdir()
        given.rmdir()
