#!/bin/sh
# Installs what a task needs: tools/setup.sh run|test|lint|check|bench|docs
# On Debian and Ubuntu with apt-get (sudo if not root); elsewhere it says what is missing.
# Does nothing, quickly, when all is there.
set -eu
task=${1:-run}

have() { command -v "$1" >/dev/null 2>&1; }
have_r() { Rscript --vanilla -e "q(status = !nzchar(system.file(package = '$1')))"; }
have_header() { echo "#include <$1>" | gcc -E -; }
have_opencl() {
  ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 &&
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p | grep -q 'libOpenCL\.so\.1'
}
have_openblas() { ls -d /usr/share/doc/libopenblas0-pthread; }
have_torch() { /usr/bin/python3 -c 'import torch'; }

# need TEST... : PACKAGES   notes the Debian packages if the test fails
missing=
need() {
  test=
  while [ "$1" != : ]; do test="$test $1"; shift; done
  shift
  $test >/dev/null 2>&1 || missing="$missing $*"
}

need have gcc : gcc libc6-dev
need have make : make
need have Rscript : r-base-core
need have_r cli : r-cran-cli
case $task in run | test | check | bench) need_opencl=1 ;; *) need_opencl= ;; esac
# PoCL is an OpenCL that runs on the processor: there is one device at least
if [ -n "$need_opencl" ] && [ "$(uname -s)" = Linux ]; then
  need have_opencl : pocl-opencl-icd ocl-icd-libopencl1
fi
case $task in
test)
  need have_header CL/cl.h : opencl-headers
  need have_r testthat : r-cran-testthat
  ;;
lint) need have clang : clang ;;
check)
  need have_header CL/cl.h : opencl-headers
  need have_r testthat : r-cran-testthat
  need have_r codetools : r-cran-codetools
  need have_r knitr : r-cran-knitr
  need have_r rmarkdown : r-cran-rmarkdown
  need have_r ggplot2 : r-cran-ggplot2
  need have_r generics : r-cran-generics
  need have pandoc : pandoc
  need have qpdf : qpdf
  need have clang : clang
  [ "${CI:-}" != true ] || need have ccache : ccache
  ;;
docs) need have_r roxygen2 : r-cran-roxygen2 ;;
bench)
  need have_openblas : libopenblas0-pthread
  need have_torch : python3-torch
  ;;
esac

r_is_recent() {
  Rscript --vanilla -e 'q(status = getRversion() < "4.2")' >/dev/null 2>&1 && return
  echo "anygpu needs R 4.2 or newer, this is $(R --version | head -n 1)." >&2
  echo "Newer ones for Debian and Ubuntu: https://cran.r-project.org/bin/linux/" >&2
  exit 1
}
if [ -z "$missing" ]; then
  r_is_recent
  exit 0
fi

if ! have apt-get; then
  cat >&2 <<END
This task needs programs that are not installed, and this system has no apt-get to install
them with. By the names of their Debian packages:
 $missing
On macOS: the command line tools (xcode-select --install) and R from CRAN; then in R
  install.packages(c("cli", "testthat", "knitr", "rmarkdown", "ggplot2"))
On Fedora: dnf install gcc make R-core-devel pocl ocl-icd opencl-headers pandoc
On Windows: use R with Rtools, and R CMD INSTALL instead of make.
END
  exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
  if ! have sudo; then
    echo "Not root, and there is no sudo. As root: apt-get install$missing" >&2
    exit 1
  fi
  sudo=sudo
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
try=1
until $sudo apt-get update -qq && # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $missing </dev/null; do
  [ $try -lt 4 ] || { echo "apt-get failed $try times; it was to install:$missing" >&2; exit 1; }
  echo "apt-get failed; trying again in $((try * 5)) seconds" >&2
  sleep $((try * 5))
  try=$((try + 1))
done
r_is_recent
