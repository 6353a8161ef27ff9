#!/bin/sh
# The C tests built in $1, then testthat on the device host and on OpenCL. Ends with the sum.
set -u
dir=$1
cd "$(dirname "$0")/.."
log=.lib/test.log
: >"$log"
# the recipe's own failures (a test that does not compile) must not look like a pass
fail() { echo "$1"; echo "0 passed, 1 failed, 0 skipped"; }

{
  make -s "$dir/tests.stamp" 2>&1 || fail "a C test does not build"
  tools/ctest.sh "$dir"
  for device in host opencl; do
    echo "== testthat, ANYGPU_DEVICE=$device"
    NOT_CRAN=true ANYGPU_DEVICE=$device \
      Rscript tools/testthat.R </dev/null >"$dir/testthat.log" 2>&1
    status=$?
    cat "$dir/testthat.log"
    grep -Eq '^[0-9]+ passed, ' "$dir/testthat.log" || fail "testthat stopped with status $status"
  done
} | tee "$log"

echo
tools/total.sh "$log"
