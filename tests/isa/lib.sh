# shellcheck shell=bash
# lib.sh: what the scripts of this folder share, sourced after `cd` to the root of the tree: images of
# freestanding C, run on Isochron and on QEMU, whose serial lines are files of $work.
#
# ISOCHRON names the simulator (build/release/isochron).
set -uo pipefail
here=tests/isa
isochron=${ISOCHRON:-build/release/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exit_device=isa-debug-exit,iobase=0xf4,iosize=4

# compile NAME: $here/NAME.c to the Multiboot image $work/NAME.
compile() {
    gcc -m32 -march=i586 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector -fno-builtin \
        -fcf-protection=none -fno-asynchronous-unwind-tables -c "$here/$1.c" -o "$work/$1.o" &&
        ld -m elf_i386 --no-warn-rwx-segments -T $here/system.ld "$work/$1.o" -o "$work/$1" || exit 1
}

# isochron_prints NAME OUT OPTION...: its serial line in $work/OUT must come to a line 'end'.
isochron_prints() {
    local name=$1 out=$2
    shift 2
    "$isochron" run "$@" -kernel "$work/$name" -nographic -serial "file:$work/$out" -device $exit_device \
        >"$work/log" 2>&1 </dev/null
    grep -qs '^end' "$work/$out" && return
    echo "$name: no report from Isochron ($out)"
    tail -n 5 "$work/$out" "$work/log"
    exit 1
}

# qemu_prints NAME OPTION...: the same to $work/qemu. QEMU's time is the count of its instructions: what else
# the host does changes nothing.
qemu_prints() {
    local name=$1
    shift
    command -v qemu-system-i386 >/dev/null || { echo "$name: skipped, qemu-system-i386 is not installed"; exit 77; }
    timeout 100 qemu-system-i386 -kernel "$work/$name" -display none -monitor none -no-reboot -m 64 \
        -icount shift=3,sleep=off -rtc clock=vm -serial "file:$work/qemu" -device $exit_device "$@" \
        >"$work/log" 2>&1 </dev/null
}

# same NAME OUT: $work/OUT is what QEMU printed, which is something.
same() {
    diff "$work/$2" "$work/qemu" >"$work/diff" && [ -s "$work/qemu" ] && return
    echo "$1: Isochron's $2 (<) and QEMU (>) differ"
    cat "$work/diff"
    exit 1
}
