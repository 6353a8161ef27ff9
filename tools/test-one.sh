#!/bin/sh
# tools/test-one.sh DIR JOB    one C test that was built in DIR (test_x), or testthat on a device
#
# Leaves the output in DIR/JOB.out, whose last line is "N passed, N failed[, N skipped]" in any
# case: a job that dies counts as failed. Prints that line, and how long it took.
set -u
dir=$1
job=$2
out=$dir/$job.out
export ASAN_OPTIONS="detect_leaks=1:detect_odr_violation=0:allocator_may_return_null=1"
export LSAN_OPTIONS="suppressions=tools/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

limit=
command -v timeout >/dev/null 2>&1 && limit="timeout 1500"

start=$(date +%s)
case $job in
test_*) $limit "$dir/$job" inst/kernels ;;
*) NOT_CRAN=true ANYGPU_DEVICE=$job $limit Rscript tools/testthat.R ;;
esac </dev/null >"$out" 2>&1
status=$?

if ! tail -n 1 "$out" | grep -Eq '^([a-z_]+: )?[0-9]+ passed, [0-9]+ failed'; then
  printf '\n%s ended without a count (exit status %s)\n' "$job" $status >>"$out"
  echo "0 passed, 1 failed, 0 skipped" >>"$out"
elif [ $status != 0 ] && tail -n 1 "$out" | grep -q ' 0 failed'; then
  echo "$job: exit status $status" >>"$out"
  echo "0 passed, 1 failed, 0 skipped" >>"$out"
fi
echo "$job, $(($(date +%s) - start)) s: $(tail -n 1 "$out" | sed 's/^[a-z_]*: //')"
