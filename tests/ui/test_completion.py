"""The completion scripts, run by the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ui.completion import script
from ui.parser import build_parser

FAKE = '#!/bin/sh\necho \'{"archives": [{"id": "aaaa1111", "title": "x"}, {"id": "bbbb2222", "placements": [{"connection_id": "c"}]}]}\'\n'


def completed(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    fake = tmp_path / "pyarchive"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    line = " ".join(f"'{word}'" for word in ("pyarchive", *words))
    ask = f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _pyarchive; printf "%s\\n" "${{COMPREPLY[@]}}"'
    program = f'PATH="{tmp_path}:$PATH"\n{script(build_parser(), "bash")}\n{ask}'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], ["rename", "remove", "release", "restore", "resume", "recover"]),
        (["connection", "re"], ["rename", "remove"]),
        (["put", "--w"], ["--wait"]),
        (["verify", "--re"], ["--remote", "--read-back", "--repair"]),
        (["show", "aa"], ["aaaa1111"]),
        (["verify", "aaaa1111", ""], ["aaaa1111", "bbbb2222"]),
        (["put", "no-such"], []),
        (["completion", ""], ["bash", "zsh"]),
    ],
)
def test_bash_offers_commands_options_and_archives(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    found = completed(tmp_path, *words)
    assert [word for word in found if not word.startswith("--")] == offered or found == offered


def test_every_command_is_in_the_script() -> None:
    text = script(build_parser(), "bash")
    for command in ("demo", "status", "put", "connection validate", "settings set", "completion"):
        assert f'"{command}") echo' in text


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed here")
def test_zsh_takes_the_script() -> None:
    done = subprocess.run(["zsh", "-f", "-c", script(build_parser(), "zsh")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
