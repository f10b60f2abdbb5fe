#!/bin/bash
# build.sh OUTPUT: compiles the law guest with the host's gcc -m32.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-m32 -march=pentium -O1 -std=gnu11 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie
    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -mno-sse -mno-mmx)
for name in start.S kernel.c user.c; do
    gcc "${flags[@]}" -c "$here/$name" -o "$work/${name%.*}.o"
done
ld -m elf_i386 -static --build-id=none -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
    -T "$here/guest.ld" "$work/start.o" "$work/kernel.o" "$work/user.o" -o "$output"
