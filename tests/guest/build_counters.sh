#!/bin/bash
# build_counters.sh OUTPUT: assembles the guest of the performance counters' test.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$1
object=$(mktemp --suffix=.o)
trap 'rm -f "$object"' EXIT
gcc -m32 -c "$here/counters.S" -o "$object"
ld -m elf_i386 -static --build-id=none -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
    -T "$here/guest.ld" "$object" -o "$output"
