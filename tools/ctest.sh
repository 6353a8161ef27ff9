#!/bin/sh
# Runs the C tests that were built in the folder $1, shows their output and ends with the sum
# of the lines "N passed, N failed[, N skipped]" that they end with. A test that dies counts as
# failed.
set -u
dir=$1
here=$(dirname "$0")
export ASAN_OPTIONS="detect_leaks=1:detect_odr_violation=0:allocator_may_return_null=1"
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

for program in "$dir"/test_*; do
  [ -x "$program" ] || continue
  name=$(basename "$program")
  echo "== $name"
  # stdin is closed to the tests; what they print is kept for the sum
  timeout 900 "$program" inst/kernels </dev/null >"$program.out" 2>&1
  status=$?
  cat "$program.out"
  if ! tail -n 1 "$program.out" | grep -Eq '^([a-z_]+: )?[0-9]+ passed, [0-9]+ failed'; then
    echo "$name ended without a count (exit status $status)"
    echo "0 passed, 1 failed, 0 skipped"
  elif [ $status != 0 ] && tail -n 1 "$program.out" | grep -q ' 0 failed'; then
    echo "$name: exit status $status"
    echo "0 passed, 1 failed, 0 skipped"
  fi
done | tee "$dir/ctest.log"
rm -f "$dir"/test_*.out

"$here/total.sh" "$dir/ctest.log"
