#!/usr/bin/env bash
# apic: the local APIC of Isochron's a64-2200 and QEMU's. Both run tests/isa/apic.c and must print the
# same.
#
#   tests/isa/apic.sh           ISOCHRON names the simulator (build/release/isochron)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
here=tests/isa
isochron=${ISOCHRON:-build/release/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exit_device=isa-debug-exit,iobase=0xf4,iosize=4

[ -x "$isochron" ] || { echo "apic: skipped, $isochron is not built"; exit 77; }
gcc -m32 -march=i586 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector -fno-builtin \
    -fcf-protection=none -fno-asynchronous-unwind-tables -c $here/apic.c -o "$work/apic.o" &&
    ld -m elf_i386 --no-warn-rwx-segments -T $here/system.ld "$work/apic.o" -o "$work/apic" || exit 1

for model in flat k8; do
    "$isochron" run --machine a64-2200 --model $model --set apic=1 --set clock.hz_den=10 -kernel "$work/apic" \
        -nographic -serial "file:$work/$model" -device $exit_device --max-cycles 1000M >"$work/log" 2>&1 </dev/null
    grep -qs '^end' "$work/$model" && continue
    echo "apic: no report from Isochron's $model"
    tail -n 5 "$work/$model" "$work/log"
    exit 1
done
command -v qemu-system-i386 >/dev/null || { echo 'apic: skipped, qemu-system-i386 is not installed'; exit 77; }
# QEMU's time is the count of its instructions: what else the host does changes nothing.
timeout 100 qemu-system-i386 -cpu athlon -kernel "$work/apic" -display none -monitor none -no-reboot -m 64 \
    -icount shift=3,sleep=off -rtc clock=vm -serial "file:$work/qemu" -device $exit_device >"$work/log" 2>&1 </dev/null
for model in flat k8; do
    diff "$work/$model" "$work/qemu" >"$work/diff" && continue
    echo "apic: Isochron's $model (<) and QEMU (>) differ"
    cat "$work/diff"
    exit 1
done
echo "$(($(wc -l <"$work/qemu") - 1)) passed, 0 failed"
