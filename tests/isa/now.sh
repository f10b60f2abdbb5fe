#!/usr/bin/env bash
# now: 3DNow! on Isochron's k7-1400 and on QEMU, whose software is the only judge a host without the
# instructions has. Both run tests/isa/now.c and must print the same.
#
#   tests/isa/now.sh            ISOCHRON names the simulator (build/release/isochron)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
here=tests/isa
isochron=${ISOCHRON:-build/release/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exit_device=isa-debug-exit,iobase=0xf4,iosize=4

[ -x "$isochron" ] || { echo "now: skipped, $isochron is not built"; exit 77; }
gcc -m32 -march=i586 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector -fno-builtin \
    -fcf-protection=none -fno-asynchronous-unwind-tables -c $here/now.c -o "$work/now.o" &&
    ld -m elf_i386 --no-warn-rwx-segments -T $here/system.ld "$work/now.o" -o "$work/now" || exit 1

"$isochron" run --machine k7-1400 --model flat --set clock.hz_num=33333333 -kernel "$work/now" \
    -nographic -serial "file:$work/isochron" -device $exit_device --max-cycles 2000M >"$work/log" 2>&1 </dev/null
if ! grep -qs '^end' "$work/isochron"; then
    echo 'now: no report from Isochron'
    tail -n 5 "$work/log"
    exit 1
fi
if grep beyond "$work/isochron" | grep -vq ' 00000000, .*: 00000000'; then
    echo 'now: an approximation is beyond its documented error'
    grep beyond "$work/isochron"
    exit 1
fi
command -v qemu-system-i386 >/dev/null || { echo 'now: skipped, qemu-system-i386 is not installed'; exit 77; }
timeout 60 qemu-system-i386 -cpu athlon -kernel "$work/now" -display none -monitor none -no-reboot -m 64 \
    -serial "file:$work/qemu" -device $exit_device >"$work/log" 2>&1 </dev/null
lines=$(wc -l <"$work/qemu")
if ! diff "$work/isochron" "$work/qemu" >"$work/diff"; then
    echo 'now: Isochron (<) and QEMU (>) differ'
    cat "$work/diff"
    exit 1
fi
echo "$((lines - 1)) passed, 0 failed"
