#!/bin/sh
# The C tests built in $1, and testthat on the device host and on OpenCL. Ends with the sum.
set -u
dir=$1
cd "$(dirname "$0")/.."
log=.lib/test.log
: >"$log"

# a failure of the recipe itself (a test that does not compile) must not look like a pass
{
  make -s -j "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" "$dir/tests.stamp" 2>&1 || {
    echo "a C test does not build"
    echo "0 passed, 1 failed, 0 skipped"
  }
  tools/ctest.sh "$dir" opencl host
} | tee "$log"

echo
tools/total.sh "$log"
