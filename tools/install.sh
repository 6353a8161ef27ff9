#!/bin/sh
# Installs the package into the library $1 from a copy of the sources there, so that the tree
# stays clean and what did not change is not compiled again.
set -eu
cd "$(dirname "$0")/.."
copy=$1/source/anygpu
mkdir -p "$copy"

for part in DESCRIPTION NAMESPACE LICENSE R data inst man src; do
  [ -e "$part" ] || continue
  [ "$part" = src ] || rm -rf "${copy:?}/$part"
  cp -pR "$part" "$copy/"
done
# sources that are gone, and objects without a source
(cd "$copy/src" && find . -type f) | while read -r f; do
  case $f in
  *.o) [ -e "src/${f%.o}.c" ] || rm "$copy/src/$f" ;;
  *.so | */symbols.rds) ;;
  *) [ -e "src/$f" ] || rm "$copy/src/$f" ;;
  esac
done

log=$1/install.log
if ! MAKEFLAGS="-j$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" \
  R CMD INSTALL --no-docs --no-multiarch --library="$1" "$copy" >"$log" 2>&1; then
  cat "$log"
  echo "the package could not be installed (the log is $log)" >&2
  exit 1
fi
