#!/bin/bash
# boot.sh ROOT: becomes the systemd of that root. Expects namespaces of its own (mount, pid, net, uts, ipc) and a cgroup of its own.
set -euo pipefail
cd -- "$1"

# Nothing that is set in here may reach the machine outside.
apart() { [[ "$(readlink "/proc/self/ns/$1")" != "$2" ]] || { echo "not in a namespace of its own: $1" >&2; exit 1; }; }
while read -r kind outside; do apart "$kind" "$outside"; done <<<"$APART_FROM"

mount -t proc proc proc
for fixed in sys sysrq-trigger; do
  [[ -e "proc/$fixed" ]] || continue
  mount --bind "proc/$fixed" "proc/$fixed"
  mount -o remount,bind,ro "proc/$fixed"
done
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
# A cgroup namespace shows its own cgroup as the root of the hierarchy; this kernel may have v1 beside it, which a Pi has not.
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
ip link set lo up

mkdir -p .outside
pivot_root . .outside
umount -l /.outside
rmdir /.outside
# As whoever starts a container has to: without it the credentials of a unit, mounted beside it, never appear in it.
mount --make-rshared /
# What a container must not have: other hardware, modules and the clock are of the machine outside.
exec setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog,-audit_control \
  env -i container=pyarchive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
  /lib/systemd/systemd --system --log-target=journal-or-kmsg --show-status=yes
