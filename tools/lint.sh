#!/bin/sh
# What a machine can check of the style: layers, warnings, kernels that compile alone, line
# lengths, the list in src/Makevars, a test and an example for each export.
set -u
cd "$(dirname "$0")/.."
bad=0
step() {
  echo "lint: $1"
  shift
  "$@" || bad=1
}

warnings='-std=gnu99 -Wall -Wextra -pedantic -Werror -Isrc -fsyntax-only'
# a condition of ops.def joins comparisons by & and |, for vectors' sake
clang_warnings="$warnings -ferror-limit=3 -Wno-bitwise-instead-of-logical
  -Wno-bitwise-conditional-parentheses"

# syntax COMPILER OPTION...
syntax() {
  ls src/core/*.c src/nn/*.c |
    xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 4 "$@"
}

kernels() {
  for f in inst/kernels/*.cl; do
    clang -x cl -cl-std=CL1.2 -target spir64 -Wall -Wextra -Werror -Wno-unused-function \
      -Wno-unused-parameter -Wno-unused-variable -Wno-bitwise-conditional-parentheses \
      -ferror-limit=3 -fsyntax-only "$f" || return 1
  done
}

# the PTX of the tensor cores, whose assembly only NVIDIA's compiler reads in the end
tensor_cores() {
  for bf16 in 0 1; do
    clang -x cl -cl-std=CL1.2 -target nvptx64-nvidia-nvcl -Xclang -target-cpu -Xclang sm_80 \
      -Xclang -target-feature -Xclang +ptx70 -Xclang -finclude-default-header -O1 -S -DPTX=1 \
      -DBF16=$bf16 '-DAG_ASM=__asm__ volatile' inst/kernels/matmul_tensor.cl -o - |
      grep -q 'mma\.sync' || return 1
  done
}

long_lines() {
  find R src inst/kernels tests bench tools data-raw -type f \( -name '*.[chR]' -o -name '*.cl' \
    -o -name '*.def' -o -name '*.py' -o -name '*.sh' \) -exec awk '
      length($0) > 100 { printf "%s:%d: %d columns\n", FILENAME, FNR, length($0); bad = 1 }
      END { exit bad }' {} +
}

unfinished() {
  ! grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' R src inst tests bench vignettes ./*.md
}

step "layers" tools/check-layers.sh
step "src/Makevars is complete" tools/objects.sh --check
# shellcheck disable=SC2086,SC2046
step "gcc -Wall -Wextra -pedantic" syntax gcc $warnings
step "the glue likewise" gcc $warnings $(R CMD config --cppflags | sed 's/-I/-isystem /g') src/*.c
if command -v clang >/dev/null 2>&1; then
  step "clang -Wall -Wextra -pedantic" syntax clang $clang_warnings
  step "kernels compile alone" kernels
  step "tensor cores for sm_80" tensor_cores
else
  echo "lint: no clang, kernels are not checked"
fi
step "lines of at most 100 columns" long_lines
step "nothing unfinished" unfinished
step "names are defined once" Rscript --vanilla tools/check-names.R
step "packages used are stated" Rscript --vanilla tools/check-packages.R
step "each export has a test and an example" Rscript --vanilla tools/check-exports.R
[ $bad = 0 ] && echo "lint: fine"
exit $bad
