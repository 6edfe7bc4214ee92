#!/bin/sh
# Installs the Debian packages that building and testing need and that are missing; says nothing when none are.
# usage: setup.sh [check|heavy]    check: what only tests and lint need, too; heavy: what only make check-all needs, too
set -eu
want="gcc make pkg-config libc6-dev protobuf-c-compiler libprotobuf-c-dev libexpat1-dev libxxhash-dev libcjson-dev
libpng-dev libjpeg62-turbo-dev zlib1g-dev libzstd-dev libsqlite3-dev libjs-chart.js libcmocka-dev"
# Only tests and lint use these: do without them where they can't be had.
nice="python3 python3-venv chromium cmake meson clang clang-format libclang-rt-14-dev libonnx-testdata mandoc graphviz"
[ -n "${1:-}" ] || nice=
[ "${1:-}" != heavy ] || nice="$nice gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user slurmctld slurmd slurm-client munge"
missing() {
	for p in $1; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || printf '%s ' "$p"
	done
}
command -v dpkg-query >/dev/null || { echo "setup: not a Debian system: install these by hand: $want" >&2; exit 0; }
must=$(missing "$want")
extra=$(missing "$nice")
[ -n "$must$extra" ] || exit 0
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "setup: please install as root: apt-get install $must$extra" >&2; exit 1; }
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
echo "setup: installing $must$extra" >&2
$as_root apt-get update -qq >&2
if [ -n "$must" ]; then
	# shellcheck disable=SC2086
	$as_root apt-get install -y -qq --no-install-recommends $must >/dev/null
fi
for p in $extra; do
	$as_root apt-get install -y -qq --no-install-recommends "$p" >/dev/null 2>&1 ||
		echo "setup: no package $p here: its tests will be skipped" >&2
done
