"""Completion scripts for shells, made from the grammar itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

_BASH = r"""# completion of pyarchive for bash; load it with: source <(pyarchive completion bash)
_pyarchive_words() {
    case "$1" in
%CASES%
    esac
}

_pyarchive_archives() {
    pyarchive list --json 2>/dev/null | tr '{' '\n' | sed -n 's/^"id": "\([a-z0-9-]*\)".*/\1/p'
}

_pyarchive() {
    local current="${COMP_WORDS[COMP_CWORD]}" command="" word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
        case "$command $word" in
%COMMANDS%
        esac
    done
    if [[ "$command" == put && "$current" != -* ]]; then return; fi
    local words; words="$(_pyarchive_words "$command")"
    case "$command" in
        %ARCHIVES%) [[ "$current" == -* ]] || words="$words $(_pyarchive_archives)" ;;
    esac
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -o default -F _pyarchive pyarchive
"""
_ZSH_HEAD = """# completion of pyarchive for zsh; load it with: source <(pyarchive completion zsh)
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
"""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """For ``bash`` or ``zsh``, which takes the same one through its bashcompinit."""
    commands = dict(_commands(parser, ""))
    cases = "\n".join(f'        "{name}") echo "{" ".join(words)}" ;;' for name, words in commands.items())
    known = "\n".join(
        f'            "{" ".join(name.rpartition(" ")[::2]) if " " in name else f" {name}"}") command="{name}" ;;'
        for name in commands
        if name
    )
    archives = "|".join(name for name in commands if name and _takes_archive(_find(parser, name)))
    body = _BASH.replace("%CASES%", cases).replace("%COMMANDS%", known).replace("%ARCHIVES%", archives)
    return _ZSH_HEAD + body if shell == "zsh" else body


def _commands(parser: argparse.ArgumentParser, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """(full name, words that may follow) of each command and subcommand."""
    yield prefix, _words(parser)
    for name, sub in _subparsers(parser).items():
        yield from _commands(sub, f"{prefix} {name}".strip())


def _words(parser: argparse.ArgumentParser) -> list[str]:
    # argparse has no public way to read a grammar back; its completion libraries do the same.
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]  # noqa: SLF001 - as said above
    choices = [str(choice) for action in parser._actions if not action.option_strings for choice in action.choices or ()]  # noqa: SLF001 - as said above
    return [*choices, *options]


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # noqa: SLF001 - as said above
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as said above
            found |= action.choices
    return found


def _find(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    for part in name.split():
        parser = _subparsers(parser)[part]
    return parser


def _takes_archive(parser: argparse.ArgumentParser) -> bool:
    return any(action.dest in {"archive", "archives"} and not action.option_strings for action in parser._actions)  # noqa: SLF001 - as said above
