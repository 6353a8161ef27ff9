#!/bin/sh
# tools/ctest.sh DIR [DEVICE...]    testthat on these devices, and the C tests built in DIR
#
# As many at once as there are cores. Prints a line as each ends, then what they said, in order;
# that is kept as DIR/ctest.log.
set -u
cd "$(dirname "$0")/.."
dir=$1
shift
jobs="$* $(cd tests/core && ls test_*.c | sed 's/\.c$//')"

# the devices come first: they take longest
# shellcheck disable=SC2086
printf '%s\n' $jobs |
  xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 1 tools/test-one.sh "$dir"

for job in $jobs; do
  echo "== $job"
  cat "$dir/$job.out" || echo "0 passed, 1 failed, 0 skipped"
  rm -f "$dir/$job.out"
done | tee "$dir/ctest.log"
