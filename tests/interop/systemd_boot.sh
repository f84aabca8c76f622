#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: systemd_boot.sh CGROUP
#
# Boots systemd as the first process of namespaces of its own, on a throwaway copy of this machine's root
# (overlayfs: what is written goes to memory). CGROUP is an empty group of cgroup2 that it gets. Its network
# is this machine's. It starts the journal and nothing else; of the agent and of services nothing is there. For root; ends
# with all that runs in it when this process ends. systemd.py asks it to do things.
set -eu

if [ "$1" != inside ]; then
    echo $$ >"$1/cgroup.procs"
    exec unshare --fork --kill-child --pid --mount --cgroup --ipc --uts --propagation private "$0" inside
fi

place=/mnt
mount -t tmpfs tmpfs $place
mkdir $place/upper $place/work $place/root
mount -t overlay overlay -o lowerdir=/,upperdir=$place/upper,workdir=$place/work $place/root
cd $place/root

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup # of hybrid machines: there it is one level below
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp

rm -rf etc/systemd/system/* etc/linnet var/lib/linnet var/lib/private var/log/journal # as on a fresh machine
cat >etc/systemd/system/proof.target <<'EOF'
[Unit]
Requires=systemd-journald.service
After=systemd-journald.service
EOF

mkdir old
pivot_root . old
umount -l /old
mount --make-rshared / # systemd leaves that to who boots a container; credentials come by it
exec env -i container=linnet PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=proof.target --show-status=no
