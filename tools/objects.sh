#!/bin/sh
# Writes the list of objects in src/Makevars from the C files there are ($(wildcard) is not
# portable make). With --check it changes nothing and fails if the list is not right.
set -eu
cd "$(dirname "$0")/.."

list=$(cd src && ls *.c core/*.c nn/*.c 2>/dev/null | sed 's/\.c$/.o/')
# everything from `OBJECTS =` to the next empty line is replaced
new=$(awk -v list="$list" '
  /^OBJECTS *=/ {
    n = split(list, o, "\n"); printf "OBJECTS ="
    for (i = 1; i <= n; i++) printf " \\\n  %s", o[i]
    print ""; skip = 1; next
  }
  skip && /^$/ { skip = 0 }
  !skip' src/Makevars)

if [ "${1:-}" = --check ]; then
  [ "$new" = "$(cat src/Makevars)" ] && exit 0
  echo "src/Makevars: OBJECTS is not the list of C files: run make objects"
  exit 1
fi
printf '%s\n' "$new" >src/Makevars
