#!/bin/sh
# A file includes only headers of its own layer or of one before it; R is spoken directly in
# src/ only, OpenCL in the opencl files only, and the core knows nothing of nn.
set -u
cd "$(dirname "$0")/.."

# one layer per line, from the bottom; shell patterns of file names without their folder
layers='
error.* window.h
strbuf.* threads* ops.*
device.* device_table.* pool.* host_isa.h host_real.h
array.* array_* shape.*
expr.* expr_* conv.* bag.*
kernel.* place.* codegen*
host_* device_host* device_opencl* opencl*
schedule* emit* describe.*
arena.* plan*
grad* index.* int8.* sort.* batch.*
block* secular* tridiag* symm_* bidiag*
qr* eigen_* svd* lu.* cond.*
solve* expm* tune*
batched*
core.h
nn/*
'
# FILE INCLUDES: the few that look ahead, and why
#   array.c forces, which is running a plan, and converts with the host'"'"'s loops
#   pool.c  counts what is launched
allowed='array.c:plan.h array.c:host_isa.h pool.c:kernel.h'

layer_of() {
  n=0
  echo "$layers" | while read -r patterns; do
    n=$((n + 1))
    set -f
    for p in $patterns; do
      # shellcheck disable=SC2254
      case $1 in $p) echo $n; return ;; esac
    done
  done
}

bad=0
complain() { echo "$1"; bad=1; }

for file in src/core/*.[ch] src/nn/*.[ch]; do
  name=${file#src/}; name=${name#core/}
  own=$(layer_of "$name")
  if [ -z "$own" ]; then complain "$file: in no layer of tools/check-layers.sh"; continue; fi
  for header in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" | sort -u); do
    case $file in
    src/nn/*)
      case $header in
      ../core/* | core/*) header=${header##*/} ;;
      *) header=nn/$header ;;
      esac
      ;;
    esac
    case " $allowed " in *" $name:$header "*) continue ;; esac
    # tables and the text that the kernels share belong to no layer
    case $header in *.def | *.cl) continue ;; esac
    theirs=$(layer_of "$header")
    if [ -z "$theirs" ]; then complain "$file: includes \"$header\", which is in no layer"
    elif [ "$theirs" -gt "$own" ]; then complain "$file: includes \"$header\" of a later layer"; fi
  done
done

# no_match WHAT PATTERN FILE...   but for lines that are comments
no_match() {
  what=$1; pattern=$2; shift 2
  [ $# -gt 0 ] || return 0
  found=$(grep -nE "$pattern" "$@" /dev/null | grep -vE '^[^:]*:[0-9]+: *(/?\*|//)') || return 0
  complain "$what:
$found"
}
no_match "R below src/" '# *include *<(R|Rinternals|Rmath|Rversion|R_ext/.*)\.h>' \
  $(ls src/*/*.[ch])
no_match "OpenCL outside the opencl files" '\b(cl|CL)_[a-zA-Z]+|\bcl[A-Z][A-Za-z]+ *\(' \
  $(ls src/*.[ch] src/*/*.[ch] 2>/dev/null | grep -v opencl)
no_match "nn in the core" '# *include *".*nn/|\bag_nn_' $(ls src/core/*.[ch])
# nn uses the core through core.h
no_match "nn uses core.h only" '# *include *"(\.\./)?core/(core\.h)?[^"]*"' \
  $(grep -LE '# *include *"(\.\./)?core/core\.h"' src/nn/*.[ch] 2>/dev/null)
exit $bad
