#!/bin/sh
# Writes the lists of objects and headers in src/Makevars from the files there are ($(wildcard) is
# not portable make). With --check it changes nothing and fails if a list is not right.
set -eu
cd "$(dirname "$0")/.."

objects=$(cd src && ls *.c core/*.c nn/*.c | sed 's/\.c$/.o/')
headers=$(cd src && ls *.h core/*.h core/*.def nn/*.h ../inst/kernels/batched.cl \
  ../inst/kernels/integer.cl ../inst/kernels/math.cl)
# everything from `NAME =` to the next empty line is replaced
new=$(awk -v OBJECTS="$objects" -v HEADERS="$headers" '
  function write(name, list,  n, o, i) {
    n = split(list, o, "\n"); printf "%s =", name
    for (i = 1; i <= n; i++) printf " \\\n  %s", o[i]
    print ""; skip = 1
  }
  /^OBJECTS *=/ { write("OBJECTS", OBJECTS); next }
  /^HEADERS *=/ { write("HEADERS", HEADERS); next }
  skip && /^$/ { skip = 0 }
  !skip' src/Makevars)

if [ "${1:-}" = --check ]; then
  [ "$new" = "$(cat src/Makevars)" ] && exit 0
  echo "src/Makevars does not list the files there are: run make objects"
  exit 1
fi
printf '%s\n' "$new" >src/Makevars
