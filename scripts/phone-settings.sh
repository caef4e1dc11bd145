#!/usr/bin/env bash
# Prints how to point phones at `make run`: scripts/phone-settings.sh ADDR:PORT SCRIPT. The users are those of the examples.
set -euo pipefail
host=$("$(dirname "$0")/own-address.sh" "$1") port=${1##*:} script=$2
cat <<SETTINGS

  Point two phones (or softphones) at this server:

      server     $host   port $port   transport UDP or TCP
      user       alice        password  wonderland
      user       bob          password  builder

  Then call "bob" from alice's phone. Edit $script while they talk:
  the next call follows the new script, the call that is up goes on. Ctrl-C ends the server.

SETTINGS
