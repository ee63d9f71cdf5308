"""Runs from their order to their end: output, exit status, limits of time, kills, and what is left of them (nothing)."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from mqtt.script_messages import Limits
from tests.brokers import Embedded
from tests.firmware_scripts.conftest import Stage, raise_stage
from tests.waiting import wait_for

ENDLESS = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.05)"


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def sleeps_below(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return any(process.name() == "sleep" for process in below(pid))
    return True


def working(stage: Stage) -> list[Path]:
    return list(stage.runner.folder.glob("*/run-*"))


def test_lines_come_in_order_with_their_streams_and_the_exit_status(stage: Stage) -> None:
    source = "import sys\nfor n in range(300): print('line', n)\nprint('oh', file=sys.stderr)\nprint('no end', end='')\nsys.exit(3)"
    state = stage.orders.run(source)
    assert (state.state, state.exit_status, state.lines) == ("ended", 3, 302)
    assert state.reason == "it ended with exit status 3"
    lines = stage.orders.heard.lines[state.run_id]
    assert [line.sequence for line in lines] == list(range(302))
    assert [line.text for line in lines if line.stream == "stdout"] == [*(f"line {n}" for n in range(300)), "no end"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["oh"]


def test_the_source_arrives_byte_for_byte_with_its_arguments(stage: Stage) -> None:
    source = b"# coding: latin-1\nimport sys\r\nprint(open('script.py', 'rb').read().hex())\nprint('\xe4', sys.argv[1:])\n"
    state = stage.orders.run(source, "one", "two words", "$HOME;")
    assert stage.orders.text(state.run_id) == [source.hex(), "ä ['one', 'two words', '$HOME;']"]


def test_a_source_that_is_not_what_was_sent_is_refused(stage: Stage) -> None:
    state = stage.orders.run("print('hi')", source_sha256="0" * 64)
    assert state.state == "refused"
    assert "checksum" in (state.reason or "")
    assert stage.orders.text(state.run_id) == []


def test_an_error_is_told_as_python_does_without_lines_of_ours(stage: Stage) -> None:
    state = stage.orders.run("def f():\n    1 / 0\nf()")
    text = stage.orders.text(state.run_id)
    assert text[0] == "Traceback (most recent call last):"
    assert text[1] == '  File "script.py", line 3, in <module>'
    assert "    1 / 0" in text
    assert text[-1] == "ZeroDivisionError: division by zero"
    assert "boot" not in "".join(text)
    assert state.exit_status == 1


def test_a_script_finds_the_standard_library_and_the_helper_and_nothing_else_of_ours(stage: Stage) -> None:
    source = """
import json, dataclasses, appliance_api
for name in ("mqtt", "firmware_scripts", "appliance", "runner", "paho", "pydantic"):
    try:
        __import__(name)
    except ImportError:
        print("no", name)
"""
    state = stage.orders.run(source)
    assert len(stage.orders.text(state.run_id)) == 6, stage.orders.text(state.run_id)


def test_the_environment_has_no_secret_and_no_file_of_ours_is_open(stage: Stage) -> None:
    state = stage.orders.run(
        "import os\nprint(sorted(os.environ))\nprint(len(os.listdir('/proc/self/fd')) - 1)\nprint(os.getpid() == os.getsid(0))"
    )
    names, files, leads = stage.orders.text(state.run_id)
    assert "PASSWORD" not in names
    assert "MQTT" not in names
    assert (files, leads) == ("4", "True")


def test_a_run_is_ended_when_its_time_is_up(stage: Stage) -> None:
    state = stage.orders.run(ENDLESS, limits=Limits(wall_s=1))
    assert (state.state, state.reason) == ("timed_out", "its time was up: 1 s")


def test_a_run_is_ended_when_it_has_used_its_processor_time(stage: Stage) -> None:
    state = stage.orders.run("while True: pass", limits=Limits(cpu_s=1))
    assert state.state == "over_limit"
    assert "1 s of a processor" in (state.reason or "")


def test_a_kill_ends_the_run_and_all_that_it_started_and_its_folder_goes(stage: Stage) -> None:
    source = "import subprocess\nsubprocess.Popen(['sleep', '1000'])\nopen('file', 'w').write('x')\n" + ENDLESS
    run_id = stage.orders.order(source)
    stage.orders.wait_text(run_id, "begun")
    assert len(working(stage)) == 1
    assert sleeps_below(stage.runner.pid)
    stage.orders.kill(run_id)
    state = stage.orders.wait_end(run_id)
    assert (state.state, state.reason, state.exit_status) == ("killed", "it was stopped", -15)
    assert not sleeps_below(stage.runner.pid)
    wait_for(lambda: not working(stage), what="the working folder to go")


def test_a_kill_that_comes_with_the_order_is_not_lost(stage: Stage) -> None:
    for _ in range(8):
        run_id = stage.orders.order(ENDLESS)
        stage.orders.kill(run_id, grace_s=0.5)
        assert stage.orders.wait_end(run_id, 10).state == "killed"


def test_a_script_may_end_itself_in_order_within_the_grace_time(stage: Stage) -> None:
    # A handler that prints itself would fail now and then: the signal may come while print is at work.
    in_order = "import atexit, signal, sys\natexit.register(print, 'tidied up')\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    run_id = stage.orders.order(in_order + ENDLESS)
    stage.orders.wait_text(run_id, "begun")
    stage.orders.kill(run_id, grace_s=20)
    state = stage.orders.wait_end(run_id)
    assert (state.state, state.exit_status) == ("killed", 0), stage.orders.text(run_id)
    assert stage.orders.text(run_id)[-1] == "tidied up"


def test_four_run_at_a_time_and_the_fifth_waits_for_its_turn(stage: Stage) -> None:
    orders = stage.orders
    running = [orders.order(ENDLESS) for _ in range(4)]
    for run_id in running:
        orders.wait_text(run_id, "begun")
    fifth = orders.order("print('mine')")
    wait_for(lambda: orders.heard.runner and fifth in orders.heard.runner.runs, what="the fifth to be taken")
    never = orders.order("print('never')")
    orders.kill(never)
    assert orders.wait_end(never).reason == "it was stopped before it began"
    assert orders.text(fifth) == []
    orders.kill(running[0], 0)
    assert orders.wait_end(fifth).state == "ended"
    for run_id in running[1:]:
        orders.kill(run_id, 0)
        orders.wait_end(run_id)
    wait_for(lambda: orders.heard.runner and orders.heard.runner.runs == [], what="the runner to name no run")


def test_what_a_script_leaves_behind_is_ended_with_it(stage: Stage) -> None:
    state = stage.orders.run("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint('done')")
    assert (state.state, state.exit_status, state.reason) == ("ended", 0, "1 processes that it left behind were ended")
    assert not sleeps_below(stage.runner.pid)


def test_after_the_last_run_no_dead_process_is_left(stage: Stage) -> None:
    assert stage.orders.run("print('over')").state == "ended"
    # One keeper waits for the next run.
    wait_for(lambda: [one.status() == "zombie" for one in psutil.Process(stage.runner.pid).children()] == [False], what="the keeper to go")


def test_many_lines_are_batched_and_none_is_missing(stage: Stage) -> None:
    began_s = time.monotonic()
    state = stage.orders.run("for n in range(5000): print(n)")
    took_s = time.monotonic() - began_s
    assert stage.orders.text(state.run_id) == [str(n) for n in range(5000)]
    sizes = stage.orders.heard.messages[state.run_id]
    assert max(sizes) <= 64 * 1024 + 100
    assert len(sizes) <= 10 + 5 * took_s + 1


def test_output_beyond_its_limit_is_counted_and_the_script_goes_on(stage: Stage) -> None:
    state = stage.orders.run("for n in range(100_000): print('x' * 99)\nopen('reached', 'w')", limits=Limits(output_bytes=20_000))
    assert (state.state, state.exit_status) == ("ended", 0)
    assert state.lines + state.dropped_lines in range(99_990, 100_002)
    assert state.dropped_lines > 99_000


def test_a_line_without_an_end_comes_in_pieces_and_rubbish_is_replaced(stage: Stage) -> None:
    source = "import sys\nsys.stdout.buffer.write('ä'.encode() * 9000 + b'\\n' + bytes(range(256)))\nsys.stdout.flush()"
    state = stage.orders.run(source)
    text = stage.orders.text(state.run_id)
    assert "".join(text[:3]) == "ä" * 9000
    assert all(len(line.encode()) <= 8192 for line in text[:3])
    assert "\ufffd" in text[-1]


def test_a_runner_that_is_stopped_ends_its_runs_and_says_so(stage: Stage) -> None:
    run_id = stage.orders.order(ENDLESS)
    stage.orders.wait_text(run_id, "begun")
    mine = [process.pid for process in below(stage.runner.pid)]
    stage.runner.stop()
    state = stage.orders.wait_end(run_id)
    assert (state.state, state.reason) == ("lost", "the runner was stopped")
    wait_for(lambda: stage.orders.heard.runner and not stage.orders.heard.runner.online, what="the runner to be offline")
    assert not any(psutil.pid_exists(pid) for pid in mine)
    assert list(stage.runner.folder.iterdir()) == []
    stage.runner.start()
    stage.orders.wait_online()


def test_nothing_outlives_a_runner_that_was_killed(stage: Stage) -> None:
    source = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n" + ENDLESS
    run_id = stage.orders.order(source)
    stage.orders.wait_text(run_id, "begun")
    mine = [process.pid for process in below(stage.runner.pid)]
    assert len(mine) >= 3
    stage.runner.kill()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in mine), what="all processes to end")
    wait_for(lambda: not any(stage.runner.folder.iterdir()), what="the working folders to go")
    wait_for(lambda: stage.orders.heard.runner and not stage.orders.heard.runner.online, what="the last will")
    stage.runner.start()
    stage.orders.wait_online()
    assert stage.orders.heard.runner
    assert stage.orders.heard.runner.runs == []


def test_a_keeper_that_is_killed_takes_its_run_with_it(stage: Stage) -> None:
    source = (
        "import os, subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint(os.getppid(), flush=True)\n" + ENDLESS
    )
    run_id = stage.orders.order(source)
    stage.orders.wait_text(run_id, "begun")
    os.kill(int(stage.orders.text(run_id)[0]), 9)
    assert stage.orders.wait_end(run_id).state == "lost"
    wait_for(lambda: not sleeps_below(stage.runner.pid), what="what it started to end")
    assert stage.orders.run("print('next')").state == "ended"


def test_a_broker_that_is_away_loses_no_line_and_stops_no_script(tmp_path_factory: pytest.TempPathFactory) -> None:
    broker = Embedded()
    with ExitStack() as stack:
        stage = raise_stage(stack, tmp_path_factory, broker=broker)
        source = "import time\nfor n in range(60):\n    print(n, flush=True)\n    time.sleep(0.05)"
        run_id = stage.orders.order(source)
        stage.orders.wait_text(run_id, "5")
        broker.stop()
        time.sleep(1)  # lines of a second are printed meanwhile
        broker.start()
        assert stage.orders.wait_end(run_id).exit_status == 0
        by_sequence = {line.sequence: line.text for line in stage.orders.heard.lines[run_id]}
        assert by_sequence == {n: str(n) for n in range(60)}
