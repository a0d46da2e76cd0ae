#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh [build|run|all]: installs what is missing here of what building, running and testing need on Debian 12.
set -eu

build='gcc libc6-dev make pkg-config git clang llvm bpftool linux-libc-dev libbpf-dev libelf-dev zlib1g-dev
	libsodium-dev libgnutls28-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libcjson-dev libsqlite3-dev libuv1-dev
	libmicrohttpd-dev libseccomp-dev libcap-ng-dev libcurl4-gnutls-dev libqrencode-dev libyaml-dev'
run='iproute2 iputils-ping util-linux procps python3 tzdata wireguard-tools wireguard-go'
test='libcmocka-dev clang-tidy clang-format cppcheck tcpdump nftables conntrack ethtool strace sqlite3 openssl
	qemu-system-x86 busybox-static prometheus chromium fonts-dejavu-core debootstrap libclang-rt-14-dev iperf3'

case ${1:-all} in
build) wanted=$build ;;
run) wanted="$build $run" ;;
all) wanted="$build $run $test" ;;
*)
	echo "usage: deps.sh [build|run|all]" >&2
	exit 2
	;;
esac

# Whoever has another node keeps it: its package conflicts with Debian's npm.
command -v node >/dev/null || wanted="$wanted nodejs"
command -v npm >/dev/null || wanted="$wanted npm"

missing() {
	for package in $wanted; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf ' %s' "$package"
	done
}
install_missing() {
	list=$(missing)
	[ -n "$list" ] || return 0
	echo "  DEPS   installing$list"
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 $list </dev/null |
		sed -n 's/^\(Unpacking\|Setting up\) \([^ ]*\).*/  DEPS   \1 \2/p'
}
update() {
	echo '  DEPS   apt-get update'
	apt-get update -qq </dev/null
}

[ -n "$(missing)" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing; run this with sudo or install them:$(missing)" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -7 2>/dev/null | head -n 1)" ] || update
install_missing
if [ -n "$(missing)" ]; then # the lists may be older than the archive
	update
	install_missing
fi
if [ -n "$(missing)" ]; then
	echo "These packages could not be installed; apt-get says why above:$(missing)" >&2
	exit 1
fi
