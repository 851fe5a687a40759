#!/bin/sh
# System programs that some tests need. Without them those tests are skipped, and say so.
set -eu
packages="chromium redis-server rabbitmq-server wrk fonts-noto-cjk"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || { echo "all system programs are here"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "make system installs packages: run it as root (missing:$missing)" >&2; exit 2; }
export DEBIAN_FRONTEND=noninteractive
# Services that the packages bring would start by themselves; tests start their own.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq install -y --no-install-recommends $missing >/dev/null
echo "installed:$missing"
