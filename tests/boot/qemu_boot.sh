#!/bin/bash
# qemu_boot.sh IMAGE... | all: boots guest images under QEMU, types commands on the serial line and
# looks for what they must answer. One line an image: ok or FAILED. Exit code 1 if any failed.
#
# QEMU takes an uncompressed vmlinux only with a PVH note, which a kernel without guest support does
# not have; so `vmlinux` is refused by QEMU, and `bzimage`, the same build, stands for it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=guests/native/cmdline
. "$root/guests/native/cmdline"
seconds_max=${QEMU_BOOT_SECONDS:-120}

usage() {
    echo "usage: tests/boot/qemu_boot.sh IMAGE... | all"
    echo "IMAGE is bzimage, initrd-klibc, initrd-busybox, vmlinuz-686 or gnumach (guests/images)"
    echo "QEMU_BOOT_SECONDS (now $seconds_max) limits each boot"
}

# expect TEXT: waits until TEXT appears on the serial line after the last text found.
expect() {
    local text=$1 at
    while :; do
        at=$(tail -c "+$((found + 1))" "$log" | grep -abo -F -- "$text" |
            sed -n '1s/:.*//p') || true
        if [ -n "$at" ]; then
            found=$((found + at + ${#text}))
            return 0
        fi
        if ! kill -0 "$qemu" 2>/dev/null; then
            reason="QEMU ended before '$text'"
            return 1
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            reason="no '$text' within $seconds_max s"
            return 1
        fi
        sleep 0.2
    done
}

send() {
    printf '%s\n' "$1" >&"$keys"
}

image_path() {
    local line
    line=$("$root/guests/images" "$1")
    echo "${line#* }"
}

# A shell on Linux, from the first prompt to the end of the machine.
talk_linux() {
    expect 'isochron: shell' && send 'uname -a' && expect "Linux (none) $1" &&
        send "echo \$((6*7))" && expect 42 &&
        send 'getpid_loop 1000' && expect 'getpid: 1000 calls, median ' &&
        send 'compute 1000' && expect 'compute: 1000 iterations, checksum 04d6c147' &&
        send 'poweroff' && expect "$2"
}

boot() {
    local image=$1 work status=0 cpu kernel initrd words
    case $image in
    vmlinux | bzimage | initrd-klibc) cpu=pentium kernel=bzimage initrd=initrd-klibc ;;
    initrd-busybox) cpu=pentium kernel=bzimage initrd=initrd-busybox ;;
    vmlinuz-686 | initrd-busybox-static)
        cpu=athlon kernel=vmlinuz-686 initrd=initrd-busybox-static
        ;;
    gnumach) cpu=athlon kernel=gnumach initrd=mach_traps ;;
    *)
        usage >&2
        return 1
        ;;
    esac
    words=(-cpu "$cpu" -append "$(cmdline "$kernel")")
    words+=(-kernel "$(image_path "$kernel")") || return 1
    initrd=$(image_path "$initrd") || return 1
    [ "$kernel" != gnumach ] || initrd="$initrd $(cmdline mach_traps)"
    words+=(-initrd "$initrd")
    work=$(mktemp -d)
    mkfifo "$work/keys"
    log=$work/log found=0 reason='' deadline=$((SECONDS + seconds_max))
    : >"$log"
    qemu-system-i386 "${words[@]}" -m 64 -nographic -no-reboot <"$work/keys" >"$log" 2>&1 &
    qemu=$!
    exec {keys}>"$work/keys"
    case $kernel in
    vmlinuz-686) talk_linux 6.1.0- 'reboot: Power down' || status=1 ;;
    gnumach) expect 'mach_task_self: 1024 traps, min ' || status=1 ;;
    *) talk_linux 6.1. 'reboot: System halted' || status=1 ;;
    esac
    kill "$qemu" 2>/dev/null || true
    wait "$qemu" 2>/dev/null || true
    exec {keys}>&-
    if [ "$status" -eq 0 ]; then
        echo "$image: ok"
    else
        echo "$image: FAILED: $reason"
        tail -n 15 "$log" | tr -d '\r' >&2
    fi
    [ -z "${QEMU_BOOT_LOG:-}" ] || cp "$log" "$QEMU_BOOT_LOG.$image"
    rm -rf "$work"
    return "$status"
}

case ${1:-} in
'' | -h | --help)
    usage
    exit 0
    ;;
esac
command -v qemu-system-i386 >/dev/null || {
    echo "qemu-system-i386 is not installed (package qemu-system-x86)" >&2
    exit 2
}
[ "$1" != all ] || set -- bzimage initrd-busybox vmlinuz-686 gnumach
failures=0
for image in "$@"; do
    boot "$image" || failures=$((failures + 1))
done
[ "$failures" -eq 0 ]
