#!/bin/sh
# tools/check.sh [short]    R CMD build, and R CMD check --as-cran without what needs a network
#
# Fails on any ERROR or WARNING. `short` is for after `make test`: a few of the tests see that they
# run from the tarball too, and the vignettes, which R CMD build has run, are not run again.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
mkdir -p .lib/check
cd .lib/check
rm -rf anygpu_*.tar.gz anygpu.Rcheck

export _R_CHECK_CRAN_INCOMING_=false       # asks CRAN's servers
export _R_CHECK_CRAN_INCOMING_REMOTE_=false
export _R_CHECK_SYSTEM_CLOCK_=false        # asks a time server
export _R_CHECK_FORCE_SUGGESTS_=false
export _R_CHECK_TESTS_NLINES_=0            # a failing test's whole output
export ANYGPU_DEVICE=host
MAKEFLAGS="-j$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
export MAKEFLAGS
options=
if [ "${1:-}" = short ]; then
  options=--no-vignettes
  export ANYGPU_TEST_FILTER='^(array|conditions|nn-fit|read-idx)$'
fi
# a bare machine has no locale but this one that knows UTF-8
[ -n "$(locale -a 2>/dev/null | grep -i '^C\.utf-\{0,1\}8$')" ] && export LC_ALL=C.UTF-8

R CMD build "$top" </dev/null
status=0
# shellcheck disable=SC2086
R CMD check --as-cran --no-manual $options anygpu_*.tar.gz </dev/null || status=$?

log=anygpu.Rcheck/00check.log
if [ $status != 0 ] || grep -Eq '\.\.\. .*(ERROR|WARNING)$' "$log"; then
  tail -n 30 anygpu.Rcheck/00install.out
  cat anygpu.Rcheck/tests/*.fail 2>/dev/null || true
  # what was found comes last: the end of a long output is what is read
  awk '/^\* /{ bad = /\.\.\. .*(ERROR|WARNING)$/ } bad' "$log"
  echo "R CMD check found an ERROR or a WARNING" >&2
  exit 1
fi
