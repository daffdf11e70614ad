#!/bin/sh
# The life of the package under a systemd of its own: installed, started, upgraded while it runs, killed, removed, purged.
#
#     trial.sh FIRST.deb NEXT.deb DEMO NGINX_FOLDER
#
# Everything happens in namespaces of its own: this machine's files lie under a layer that takes every change and is gone at
# the end, processes, network and host name are others. A group of control is made and removed.
set -eu
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C.UTF-8
if [ "${1:-}" != --inside ] && [ "${1:-}" != --boot ]; then
    own=/tmp/reconnect-trial-$$
    mkdir "$own"
    group=
    for top in /sys/fs/cgroup/unified /sys/fs/cgroup; do
        if [ -f "$top/cgroup.controllers" ]; then
            group=$top/reconnect-trial-$$
            mkdir "$group"
            break
        fi
    done
    [ -n "$group" ] || { echo "trial: this machine has no cgroup2" >&2; exit 1; }
    ended() {
        [ -z "${boot:-}" ] || kill -9 "$boot" 2>/dev/null || true
        wait 2>/dev/null || true
        # The kernel takes a moment until the last process is gone.
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -d "$group" ] || break
            sleep 0.3
        done
        rm -rf "$own"
    }
    trap ended EXIT
    trap 'exit 1' INT TERM
    (echo 0 >"$group/cgroup.procs"; exec unshare --mount --pid --cgroup --ipc --uts --net --fork --kill-child \
        sh "$0" --boot "$own") >"$own/boot.log" 2>&1 </dev/null &
    boot=$!
    init=
    for _ in $(seq 200); do
        init=$(pgrep -P "$boot" || true)
        if [ -n "$init" ] && [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ] \
            && nsenter -t "$init" -a -r systemctl is-active --quiet trial.target 2>/dev/null; then
            break
        fi
        kill -0 "$boot" 2>/dev/null || { cat "$own/boot.log" >&2; exit 1; }
        sleep 0.1
    done
    cp "$1" "$own/first.deb"
    cp "$2" "$own/next.deb"
    cp "$3" "$(dirname "$3")/reconnect" "$own/"
    cp "$4"/*.conf "$own/"
    cp "$0" "$own/trial.sh"
    inside=/proc/$init/root
    mkdir -p "$inside/trial"
    cp "$own"/*.deb "$own"/*.conf "$own"/*.sh "$own/demo" "$own/reconnect" "$inside/trial/"
    cd /
    nsenter -t "$init" -a -r sh /trial/trial.sh --inside || exit 1
    exit
fi

if [ "$1" = --boot ]; then
    # A root of its own, over this machine's, and as little of the kernel's as systemd lives with.
    own=$2
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$own"
    mkdir "$own/up" "$own/work" "$own/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$own/up,workdir=$own/work" "$own/root"
    cd "$own/root"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t tmpfs tmpfs sys/fs/cgroup
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t tmpfs -o mode=755 tmpfs dev
    for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
        # shellcheck disable=SC2086
        set -- $node
        mknod -m 666 "dev/$1" c "$2" "$3"
    done
    mkdir dev/shm dev/pts
    mount -t tmpfs tmpfs dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    # What systemd says for itself.
    : >dev/console
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    rm -rf etc/systemd/system/*.wants var/lib/reconnect etc/reconnect
    # What is not the package's stays away.
    for unit in systemd-udevd.service systemd-udev-trigger.service systemd-sysctl.service systemd-modules-load.service \
        systemd-remount-fs.service systemd-random-seed.service systemd-update-utmp.service kmod-static-nodes.service \
        systemd-binfmt.service systemd-tmpfiles-setup-dev.service systemd-hwdb-update.service systemd-udevd-control.socket \
        systemd-udevd-kernel.socket dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
        sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount network-online.target \
        systemd-networkd.service systemd-resolved.service systemd-timesyncd.service swap.target; do
        ln -sf /dev/null "etc/systemd/system/$unit"
    done
    printf '[Unit]\nDescription=Trial\nRequires=basic.target\nAfter=basic.target\n' >etc/systemd/system/trial.target
    ip link set lo up
    # Not chroot: whoever is in one can make no namespace of users.
    mkdir old
    pivot_root . old
    cd /
    umount --lazy /old
    rmdir /old
    container=trial exec /lib/systemd/systemd --system --unit=trial.target --log-target=console --show-status=no
fi

cd /trial
say() { echo "trial: $*"; }
fail() {
    echo "trial: FAILED: $*" >&2
    systemctl status --no-pager --full reconnect >&2 || true
    journalctl -u reconnect --no-pager -n 30 >&2 || true
    tail -n 30 /dev/console >&2
    exit 1
}
answers() { curl -fsS -m 5 "http://127.0.0.1:${2:-8080}/$1"; }
pid() { systemctl show -P MainPID reconnect; }
version() { dpkg-query -W -f '${Version}' reconnect; }
stored() { reconnect-admin verify; reconnect-admin operator list; }

say "systemd $(cat /proc/1/comm) is process 1, $(systemctl is-system-running || true)"
apt-get -qq install -y --no-install-recommends --allow-downgrades ./first.deb >/tmp/apt.log 2>&1 || dpkg -i first.deb >/tmp/apt.log 2>&1 \
    || { cat /tmp/apt.log; fail "it does not install"; }
say "installed $(version)"
systemctl is-active --quiet reconnect && fail "it was started before anybody named it"
[ "$(stat -c '%a %U' /etc/reconnect/reconnect.env)" = "640 root" ] || fail "the settings may be read by others"
echo 'RECONNECT_LOG_ORIGIN=trial.example' >>/etc/reconnect/reconnect.env
echo 'RECONNECT_METRICS=127.0.0.1:9464' >>/etc/reconnect/reconnect.env
echo "RECONNECT_DATABASE='sqlite'" >>/etc/reconnect/reconnect.env
systemctl start reconnect || fail "it does not start"
answers readyz >/dev/null || fail "systemd calls it started, and it is not ready"
say "started: process $(pid) of $(ps -o user= -p "$(pid)"), ready"
checked=$(reconnect-admin config check) || fail "config check: $checked"
# The trial's own disk is one that passes, and said to be.
echo "$checked" | grep unwise | grep -v overlayfs && fail "the package's own settings are unwise"
[ "$(stat -c '%a %U' /var/lib/reconnect)" = "700 reconnect" ] || fail "the data folder may be entered by others"
[ "$(systemctl show -P Type reconnect)" = notify ] || fail "no Type=notify"
answers metrics 9464 | grep -q '^reconnect_build_info' || fail "no figures"
journalctl -u reconnect --no-pager | grep -q 'limit on open files' && fail "the filter of system calls is too narrow"
page=$(curl -fsS -m 5 http://127.0.0.1:8080/) || fail "no page"
echo "$page" | grep -q '<script' || fail "the page is not in the program"

# People, through the proxy as the documents have it.
mkdir -p /etc/nginx /var/log/nginx /var/lib/nginx /etc/ssl/safe.example
cp reconnect-proxy.conf /etc/nginx/
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=safe.example \
    -keyout /etc/ssl/safe.example/privkey.pem -out /etc/ssl/safe.example/fullchain.pem 2>/dev/null
cat >/trial/nginx.conf <<'CONF'
events {}
http {
    include /trial/reconnect.conf;
    # The same without TLS, for the people of the trial.
    server {
        listen 127.0.0.1:8081;
        location / { include /etc/nginx/reconnect-proxy.conf; }
    }
}
CONF
proxied=no
if command -v nginx >/dev/null; then
    nginx -t -q -c /trial/nginx.conf || fail "the proxy's settings are wrong"
    nginx -c /trial/nginx.conf
    proxied=yes
fi
port=8080
[ "$proxied" = no ] || port=8081
# Everything that the demonstration does with the operator's key it does as the service's account.
install -d -o reconnect -g reconnect /tmp/demo
chmod 755 /trial
setpriv --reuid=reconnect --regid=reconnect --init-groups /trial/demo "http://127.0.0.1:$port" /var/lib/reconnect >/tmp/demo.txt \
    || fail "people cannot use it"
stored >/tmp/before || fail "what is stored does not verify"
grep -q accepted /tmp/before || fail "no structure"
memory=$(answers metrics 9464 | sed -n 's/^process_resident_memory_bytes //p')
say "people opened safes and gave papers (through nginx: $proxied): $(head -1 /tmp/before); $((memory >> 20)) MiB of memory"
if [ "$proxied" = yes ]; then
    # A body that never ends: whoever gathers it before passing it on has no answer in time.
    code=$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/8081
        printf "PUT /v1/envelopes/AAAAAAAAAAAAAAAAAAAAAA/parts/0 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\n" >&3
        printf "Content-Length: 4000000\r\n\r\nx" >&3
        read -r -t 10 -u 3 _ code _
        echo "$code"')
    [ "$code" = 401 ] || fail "the proxy does not stream: $code"
    head=$(curl -fsSk -m 5 -D - -o /tmp/readyz --resolve safe.example:443:127.0.0.1 https://safe.example/readyz) || fail "no TLS"
    echo "$head" | grep -qi '^strict-transport-security' || fail "no HSTS"
    echo "$head" | grep -qi '^content-security-policy' || fail "the server's headers do not pass"
    curl -ksS -m 5 -A TelephoneDAminata --resolve safe.example:443:127.0.0.1 "https://safe.example/v1/structures/secretid?name=x" >/dev/null
    if grep -E '127\.0\.0\.1|TelephoneDAminata|secretid|name=x' /var/log/nginx/reconnect.log; then fail "the proxy's log names somebody"; fi
    say "TLS through nginx: headers pass, its log names nobody: $(tail -1 /var/log/nginx/reconnect.log)"
fi

was=$(pid)
DEBIAN_FRONTEND=noninteractive dpkg -i next.deb >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; fail "it does not upgrade"; }
systemctl is-active --quiet reconnect || fail "it does not run after the upgrade"
[ "$(pid)" != "$was" ] || fail "the old program still runs"
answers readyz >/dev/null || fail "not ready after the upgrade"
grep -q trial.example /etc/reconnect/reconnect.env || fail "the upgrade lost the settings"
stored >/tmp/after
cmp -s /tmp/before /tmp/after || { diff /tmp/before /tmp/after; fail "the upgrade changed what is stored"; }
say "upgraded to $(version) while it ran, process $(pid); what is stored is the same"

kill -9 "$(pid)"
for _ in $(seq 100); do
    sleep 0.2
    if answers readyz >/dev/null 2>&1; then break; fi
done
answers readyz >/dev/null || fail "it is not started again after a kill"
[ "$(systemctl show -P NRestarts reconnect)" = 1 ] || fail "restarts: $(systemctl show -P NRestarts reconnect)"
say "killed, and started again by systemd"
kill -STOP "$(pid)"
stopped=$(pid)
for _ in $(seq 450); do
    sleep 0.2
    if [ "$(pid)" != "$stopped" ] && answers readyz >/dev/null 2>&1; then break; fi
done
[ "$(pid)" != "$stopped" ] || fail "a server that hangs is not ended"
say "made to hang, and ended and started by the watchdog"
systemctl stop reconnect
[ "$(systemctl show -P Result reconnect)" = success ] || fail "it stopped with $(systemctl show -P Result reconnect)"
journalctl -u reconnect --no-pager | grep -q 'stopped' || fail "it did not stop in order"
systemctl start reconnect
say "exposure: $(systemd-analyze security --no-pager reconnect | tail -1)"

dpkg -r reconnect >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; fail "it cannot be removed"; }
answers readyz >/dev/null 2>&1 && fail "it runs after it was removed"
[ -f /var/lib/reconnect/reconnect.sqlite ] || fail "removing it removed data"
[ -f /etc/reconnect/reconnect.env ] || fail "removing it removed settings"
dpkg -i next.deb >/tmp/dpkg.log 2>&1 || fail "it does not come back"
systemctl start reconnect
stored >/tmp/after
cmp -s /tmp/before /tmp/after || fail "what is stored did not come back"
say "removed, installed again: what is stored is the same"
dpkg -P reconnect >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; fail "it cannot be purged"; }
[ ! -e /etc/reconnect ] || fail "settings are left"
[ -f /var/lib/reconnect/reconnect.sqlite ] || fail "purging it removed data"
say "purged: settings are gone, data is kept"

# Once more from the beginning, over PostgreSQL with the address that the documents have.
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
if [ -n "$programs" ] && id postgres >/dev/null 2>&1; then
    rm -rf /var/lib/reconnect
    install -d -o postgres -g postgres /run/postgresql /tmp/cluster
    postgres() { (cd /tmp && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); }
    postgres "$programs/initdb" --auth-local=peer --auth-host=reject --encoding=UTF8 --no-locale --pgdata=/tmp/cluster >/tmp/initdb.log
    postgres "$programs/pg_ctl" --wait --silent --pgdata=/tmp/cluster --log=/tmp/cluster/log \
        --options="-k /run/postgresql -c listen_addresses=" start
    postgres "$programs/createuser" --host=/run/postgresql reconnect
    postgres "$programs/createdb" --host=/run/postgresql --owner=reconnect --encoding=UTF8 reconnect
    dpkg -i next.deb >/tmp/dpkg.log 2>&1 || fail "it does not come back"
    echo 'RECONNECT_LOG_ORIGIN=trial.example' >>/etc/reconnect/reconnect.env
    echo "RECONNECT_DATABASE='postgres:///reconnect?host=/run/postgresql&user=reconnect'" >>/etc/reconnect/reconnect.env
    systemctl enable --now --quiet reconnect || fail "it does not start over PostgreSQL"
    setpriv --reuid=reconnect --regid=reconnect --init-groups env RECONNECT_DATABASE='postgres:///reconnect?host=/run/postgresql&user=reconnect' \
        /trial/demo "http://127.0.0.1:$port" /var/lib/reconnect >/tmp/demo.txt || fail "people cannot use it over PostgreSQL"
    stored >/tmp/before || fail "what is stored in PostgreSQL does not verify"
    [ ! -e /var/lib/reconnect/reconnect.sqlite ] || fail "it is SQLite after all"
    say "over PostgreSQL, by the account's name alone: $(head -1 /tmp/before)"
    dpkg -P reconnect >/tmp/dpkg.log 2>&1
    [ "$(systemctl is-enabled reconnect 2>/dev/null)" != enabled ] || fail "what is gone is still enabled"
    postgres "$programs/pg_ctl" --mode=fast --silent --pgdata=/tmp/cluster stop
else
    say "PostgreSQL is not installed here: not tried"
fi
[ "$proxied" = no ] || nginx -c /trial/nginx.conf -s stop 2>/dev/null
say "all of it went well"
