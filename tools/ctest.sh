#!/bin/sh
# Runs the C tests that were built in the folder $1 and shows their output, also in ctest.log
# there. Each ends with "N passed, N failed[, N skipped]"; one that dies counts as failed.
set -u
dir=$1
here=$(dirname "$0")
export ASAN_OPTIONS="detect_leaks=1:detect_odr_violation=0:allocator_may_return_null=1"
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

limit=
command -v timeout >/dev/null 2>&1 && limit="timeout 900"

for source in tests/core/test_*.c; do
  name=$(basename "$source" .c)
  program=$dir/$name
  echo "== $name"
  $limit "$program" inst/kernels </dev/null >"$program.out" 2>&1
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
