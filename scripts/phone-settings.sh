#!/usr/bin/env bash
# Prints how to point two phones at `make run`: scripts/phone-settings.sh ADDR:PORT. The users are those of scripts/examples/office.lua.
set -euo pipefail
host=${1%:*} port=${1##*:}
if [ "$host" = 0.0.0.0 ]; then
	# The address other machines in the same network reach this one by: the one it would send from.
	host=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	host=${host:-127.0.0.1}
fi
cat <<SETTINGS

  Point two phones (or softphones) at this server:

      server     $host   port $port   transport UDP or TCP
      user       alice        password  wonderland
      user       bob          password  builder

  Then call "bob" from alice's phone. Edit scripts/examples/office.lua while they talk:
  the next call follows the new script, the call that is up goes on. Ctrl-C ends the server.

SETTINGS
