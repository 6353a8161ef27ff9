#!/bin/sh
# What to run on a machine with a GPU:
#
#   bench/gpu.sh [SIZE...]      sizes of matrices, 4096 and 8192 if none is given
#   DEVICE=opencl:1 RSCRIPT=Rscript bench/gpu.sh 1024
#
# Needs gcc and an OpenCL driver. PyTorch with CUDA, CLBlast and ViennaCL are set beside ours if
# they are there; with RSCRIPT the R questions elementwise, dispatch, mlp and cnn are asked as well
# (the package must be installed), the epochs beside PyTorch's on the same device. The table goes to
# bench/results/<device>.md.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 4096 8192
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
core="$(ls src/core/*.c) -Isrc -Isrc/core"

# shellcheck disable=SC2086
gcc -std=gnu99 -O2 -o "$dir/gpu" bench/gpu.c $core -lpthread -ldl -lm
device=${DEVICE:-gpu}
if ! "$dir/gpu" "$device" inst/kernels >/dev/null 2>&1; then
  [ -z "${DEVICE:-}" ] && device=opencl
fi
echo "== anygpu on $device"
"$dir/gpu" "$device" inst/kernels "$@" | tee "$dir/ours"

# shellcheck disable=SC2086
gcc -std=gnu99 -O2 -o "$dir/nn_steps" bench/nn_steps.c $core src/nn/*.c -Itests/core \
  -lpthread -ldl -lm
"$dir/nn_steps" "$device" | tee -a "$dir/ours"

# the same networks' epochs
torch_epochs() {
  torch_epoch mlp "MLP 784-256-128-10" 60000 && torch_epoch steps40 "MLP 10-40x4-1" 32000 &&
    torch_epoch steps160 "MLP 10-160x8-1" 32000
}
torch_epoch() {
  s=$(python3 bench/torch_nn.py "$1" random - "$3" cuda) || return
  awk -v s="$s" -v what="$2, epoch of $3" 'BEGIN { printf "%s\t%.4g\tms\t\n", what, 1000 * s }'
}

# peer NAME COMMAND...: the lines that it prints are its rates
peer() {
  name=$1
  shift
  echo "== $name"
  if "$@" >"$dir/out" 2>"$dir/err"; then
    cat "$dir/out"
    sed "s/^/$name	/" "$dir/out" >>"$dir/peers"
  else
    echo "skipped ($(tail -n 1 "$dir/err"))"
  fi
}
: >"$dir/peers"
if command -v python3 >/dev/null 2>&1; then
  peer PyTorch python3 bench/torch_gpu.py "$@"
  peer PyTorch torch_epochs
fi
if gcc -O2 -o "$dir/clblast" bench/clblast.c -lclblast -lOpenCL 2>/dev/null; then
  peer CLBlast "$dir/clblast" "$@"
else
  echo "== CLBlast is not installed"
fi
if g++ -O2 -w -o "$dir/viennacl" bench/viennacl.cc -lOpenCL 2>/dev/null; then
  peer ViennaCL "$dir/viennacl" "$@"
else
  echo "== ViennaCL is not installed"
fi

if [ -n "${RSCRIPT:-}" ]; then
  echo "== R"
  ANYGPU_DEVICE=$device TORCH_DEVICE=cuda "$RSCRIPT" bench/run.R - elementwise dispatch mlp cnn |
    tee "$dir/r" || true
fi

tab=$(printf '\t')
title=$(sed -n "s/^device$tab\([^$tab]*\)$tab.*/\1/p" "$dir/ours")
driver=$(sed -n "s/^device$tab[^$tab]*$tab\([^$tab]*\)$tab*/\1/p" "$dir/ours")
file=bench/results/$(echo "$title" | tr -cs 'A-Za-z0-9\n' - | sed 's/^-//; s/-$//').md
{
  echo "# $title"
  echo
  echo "* driver: $driver"
  echo "* run on $(date +%Y-%m-%d) by \`bench/gpu.sh $*\`"
  echo
  echo "Products have the largest error of 500 elements, relative to the sum of their terms' sizes."
  echo "The peer's rate, and ours by it (of times: theirs by ours)."
  echo
  echo "| what | ours | error | peer | times as fast |"
  echo "| --- | --- | --- | --- | --- |"
  awk -F "$tab" '
    peers { n = ++count[$2]; peer[$2, n] = $1; value[$2, n] = $3; unit[$2, n] = $4; next }
    $1 == "device" { next }
    !count[$1] { printf "| %s | %s %s | %s | | |\n", $1, $2, $3, $4; next }
    {
      for (i = 1; i <= count[$1]; i++) {
        theirs = value[$1, i]
        ratio = $3 == "ms" || $3 == "us" ? theirs / $2 : $2 / theirs
        printf "| %s | %s %s | %s | %s %s %s | %.2f |\n", $1, $2, $3, $4, peer[$1, i], theirs,
               unit[$1, i], ratio
      }
    }' peers=1 "$dir/peers" peers=0 "$dir/ours"
  if [ -s "$dir/r" ]; then
    echo
    echo '```'
    cat "$dir/r"
    echo '```'
  fi
} >"$file"
echo
echo "kept in $file"
