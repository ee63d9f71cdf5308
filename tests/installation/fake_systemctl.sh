#!/bin/sh
# systemctl, journalctl, systemd-run and pyarchive of a computer that is a folder ($ROOT). The units' states are files below $ROOT/run/fake.
# An appliance that runs and is not on trial acknowledges: a line in its catalog, then one in the list that tests compare it with.
fake="$ROOT/run/fake" data="$ROOT/var/lib/pyarchive" current="$ROOT/opt/pyarchive/current"
appliance=pyarchive-appliance.service

behaviour() { cat "$current/behaviour"; }

acknowledge() {
  line="kept $(wc -l <"$fake/acknowledged") by $(readlink "$current")"
  echo "$line" >>"$data/catalog/journal-1"
  echo "$line" >>"$fake/acknowledged"
}

start() {
  [ "$(state "$1")" = active ] && return 0
  case "$(behaviour)" in
    crashes) echo activating >"$fake/$1" ;;
    hangs) echo activating >"$fake/$1" ;;
    *)
      echo active >"$fake/$1"
      [ "$1" = $appliance ] || return 0
      if [ -e "$data/upgrade-trial.json" ]; then
        echo "of a trial" >>"$data/catalog/journal-1"
        : >"$data/ledger/of-a-trial"
      else
        acknowledge
      fi
      ;;
  esac
}

state() { cat "$fake/$1" 2>/dev/null || echo inactive; }

systemctl() {
  verb=$1
  shift
  names='' property=''
  for word; do
    case "$word" in
      ActiveState | NRestarts | MainPID) property=$word ;;
      -*) ;;
      *) names="$names $word" ;;
    esac
  done
  for name in $names; do
    case "$verb" in
      stop) echo inactive >"$fake/$name" ;;
      start) start "$name" ;;
      restart)
        echo inactive >"$fake/$name"
        start "$name"
        ;;
      is-active)
        state "$name"
        [ "$(state "$name")" = active ] || return 3
        ;;
      show)
        case "$property $(behaviour)" in
          "NRestarts crashes") echo 7 ;;
          NRestarts*) echo 0 ;;
          "MainPID dies")
            echo >>"$fake/looks"
            wc -l <"$fake/looks"
            ;;
          MainPID*) echo 1234 ;;
          *) state "$name" ;;
        esac
        ;;
    esac
  done
}

pyarchive() {
  [ "$(state $appliance)" = active ] || return 1
  [ "$1" = self-test ] || return 0
  if [ "$(behaviour)" = fails ]; then
    echo '{"checks": [{"name": "store", "passed": false, "words": "away"}]}'
    echo "pyarchive: store: away"
    return 1
  fi
  echo '{"checks": []}'
  [ "$3" = --accept ] && [ -e "$data/upgrade-trial.json" ] || return 0
  grep -q "$4" "$data/upgrade-trial.json" || return 1
  rm "$data/upgrade-trial.json"
  acknowledge
}

case "${0##*/}" in
  systemctl) systemctl "$@" ;;
  pyarchive) pyarchive "$@" ;;
  journalctl) echo "a traceback of $(readlink "$current")" ;;
  systemd-run)
    while [ "$1" != -- ]; do shift; done
    shift
    echo active >"$fake/pyarchive-upgrading"
    "$@" >/dev/null 2>&1
    echo inactive >"$fake/pyarchive-upgrading"
    ;;
esac
