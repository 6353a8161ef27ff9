#!/bin/sh
# Prints the sum of all lines "[name: ]N passed, N failed[, N skipped]" in the files given; fails
# if a test failed or none ran.
sed -n -E 's/^([a-z_]+: )?([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?.*/\2 \3 0\5/p' \
  "$@" | awk '
  { passed += $1; failed += $2; skipped += $3 }
  END {
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
  }'
