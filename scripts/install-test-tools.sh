#!/usr/bin/env bash
# Installs the programs that tests and benchmarks run against, from Debian packages.
#
#   scripts/install-test-tools.sh test     phones, load generator, reference Lua, rtpengine, SoX, espeak-ng
#   scripts/install-test-tools.sh bench    the peers of the benchmark
#
# Without root, or without apt-get, it says what is missing and goes on: whatever needs a missing program skips itself.
set -euo pipefail

# What is looked for (a program, or a file by its pattern), and the package that has it.
case ${1:-} in
test) wanted=(sipp=sip-tester baresip=baresip-core sipsak=sipsak linphonec=linphone-cli lua5.1=lua5.1 rtpengine=rtpengine-daemon sox=sox espeak-ng=espeak-ng) ;;
bench) wanted=(kamailio=kamailio rtpengine=rtpengine-daemon '/usr/lib/*/kamailio/modules/app_lua.so=kamailio-lua-modules') ;;
*)
	echo "usage: $0 test|bench" >&2
	exit 2
	;;
esac

packages=()
for entry in "${wanted[@]}"; do
	sought=${entry%%=*}
	command -v "$sought" >/dev/null || compgen -G "$sought" >/dev/null || packages+=("${entry#*=}")
done
if [ ${#packages[@]} -eq 0 ]; then
	exit 0
fi

skip() {
	cat >&2 <<-MESSAGE

		*********************************************************************
		  NOT INSTALLED: ${packages[*]}
		  $1
		  Tests that need them are SKIPPED. To run them:

		      apt-get update && apt-get install --no-install-recommends ${packages[*]}
		*********************************************************************

	MESSAGE
	exit 0
}

command -v apt-get >/dev/null || skip "This system has no apt-get."
[ "$(id -u)" -eq 0 ] || skip "Installing them needs root."

# Debian starts a service as it installs it, and Kamailio would take port 5060 from whoever has it. Only what is installed here is masked: a
# service that somebody runs stays as it is.
if command -v systemctl >/dev/null; then
	for package in "${packages[@]}"; do
		case $package in
		kamailio | rtpengine-daemon) systemctl mask "$package.service" >/dev/null 2>&1 || true ;;
		esac
	done
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || skip "apt-get update failed."
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || skip "apt-get install failed."
