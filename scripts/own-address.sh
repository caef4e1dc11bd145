#!/usr/bin/env bash
# Prints the address of ADDR:PORT, and of 0.0.0.0 the one that other machines in the same network reach this one by: that it would
# send from.
set -euo pipefail
host=${1%:*}
if [ "$host" = 0.0.0.0 ]; then
	host=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
fi
echo "${host:-127.0.0.1}"
