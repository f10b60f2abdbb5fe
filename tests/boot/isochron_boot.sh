#!/bin/bash
# isochron_boot.sh IMAGE... | all: boots guest images on Isochron, types the commands that
# qemu_boot.sh types, and looks for the same answers; then the power must be off or the machine
# reset, by the guest's own doing. One line a boot: ok or FAILED; the last line counts.
#
# ISOCHRON names the program. What is typed is a script of serial input, so a boot is the same
# cycle for cycle each time; BOOT_MODEL=flat runs the Pentium's images in less time.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=guests/native/cmdline
. "$root/guests/native/cmdline"
isochron=${ISOCHRON:-$root/build/release/isochron}
seconds_max=${BOOT_SECONDS:-300}
images="vmlinux initrd-busybox bzimage vmlinuz-686 gnumach"

usage() {
    echo "usage: tests/boot/isochron_boot.sh IMAGE... | all"
    echo "IMAGE is one of: $images"
    echo "BOOT_SECONDS (now $seconds_max) limits each boot; a busy host needs more"
}

image_path() {
    local line
    line=$("$root/guests/images" "$1")
    echo "${line#* }"
}

# typed LAST: the script of a session at the shell that ends by LAST, poweroff or reboot.
typed() {
    local command
    echo 'wait "isochron: shell"'
    for command in 'uname -a' "echo \$((6*7))" 'getpid_loop 1000' 'compute 1000' ${more:+"$more"} "$1"; do
        printf 'wait "# "\nsend "%s\\n"\n' "$command"
    done
}

# found TEXT...: whether the texts stand in $work/out in this order; else sets reason.
found() {
    local text at=0 next
    for text in "$@"; do
        next=$(tail -c "+$((at + 1))" "$work/out" | grep -abo -F -- "$text" |
            sed -n '1s/:.*//p') || true
        if [ -z "$next" ]; then
            reason="no '$text'"
            return 1
        fi
        at=$((at + next + ${#text}))
    done
}

# run OPTION...: the boot itself; its exit code must be 0.
run() {
    local status=0
    timeout "$seconds_max" "$isochron" run --quiet -no-reboot "$@" \
        </dev/null >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -ne 124 ] || reason="not done within $seconds_max s"
    [ "$status" -eq 0 ] || [ "$status" -eq 124 ] || reason="exit code $status"
    return "$status"
}

# ended TEXT: what Isochron must say about the end.
ended() {
    grep -qF -- "$1" "$work/err" && return 0
    reason="the run ended otherwise than '$1'"
    return 1
}

# linux LAST KERNEL INITRD OPTION...: a session on Linux.
linux() {
    local last=$1 kernel=$2 initrd=$3 release=6.1. goodbye='reboot: System halted' end='halted at'
    shift 3
    [ "$kernel" != vmlinuz-686 ] || release=6.1.0-
    [ "$last" = poweroff ] || { goodbye='reboot: Restarting system' end='the guest reset'; }
    typed "$last" >"$work/typed"
    run "$@" -kernel "$(image_path "$kernel")" -initrd "$(image_path "$initrd")" \
        -append "$(cmdline "$kernel" "${khz:-}")" --serial-input "$work/typed" &&
        found 'isochron: shell' "Linux (none) $release" 42 'getpid: 1000 calls, median ' \
            'compute: 1000 iterations, checksum 04d6c147' "$goodbye" &&
        ended "$end"
}

# apic_linux LAST ...: Linux, which must take its ticks from the local APIC's timer, with no error.
apic_linux() {
    more='grep [LE][OR][CR]: /proc/interrupts' linux "$@" || return
    grep -aqE 'LOC: +[1-9][0-9]+ ' "$work/out" && grep -aqE 'ERR: +0' "$work/out" && return
    reason='no interrupts of the local timer, or errors'
    return 1
}

# GNU Mach polls its console at 9600 baud: at a thirtieth of the clock the same text takes a
# thirtieth of the cycles.
mach() {
    local text='mach_task_self: 1024 traps, min '
    run --machine i686 --set clock.hz_num=33333333 -kernel "$(image_path gnumach)" \
        -initrd "$(image_path mach_traps) $(cmdline mach_traps)" -append "$(cmdline gnumach)" \
        --until-serial "$text" && found "$text"
}

# boot NAME COMMAND...: one boot and its line.
boot() {
    local name=$1 began=$SECONDS
    shift
    reason=''
    if "$@"; then
        passed=$((passed + 1))
        echo "$name: ok ($((SECONDS - began)) s)"
        return
    fi
    failed=$((failed + 1))
    echo "$name: FAILED: $reason"
    tail -n 15 "$work/out" "$work/err" | tr -d '\r'
}

both_ends() {
    local name=$1
    shift
    boot "$name, power off" linux poweroff "$@"
    boot "$name, reboot" linux reboot "$@"
}

each() {
    local pentium=(--machine p133)
    [ -z "${BOOT_MODEL:-}" ] || pentium+=(--model "$BOOT_MODEL")
    case $1 in
    vmlinux | initrd-klibc)
        both_ends "$1" vmlinux initrd-klibc "${pentium[@]}"
        khz=1400000 boot "$1 on k7-1400, power off" linux poweroff vmlinux initrd-klibc \
            --machine k7-1400 --model "${BOOT_MODEL:-k7}"
        khz=2200000 boot "$1 on a64-2200, reboot" linux reboot vmlinux initrd-klibc \
            --machine a64-2200 --model "${BOOT_MODEL:-k8}"
        ;;
    initrd-busybox) both_ends "$1" vmlinux initrd-busybox "${pentium[@]}" ;;
    bzimage) both_ends "$1" bzimage initrd-klibc "${pentium[@]}" ;;
    vmlinuz-686 | initrd-busybox-static)
        khz=220000 boot "$1 on a64-2200, local APIC, power off" apic_linux poweroff vmlinuz-686 \
            initrd-busybox-static --machine a64-2200 --model flat --set clock.hz_den=10 --set apic=1
        khz=1400000 boot "$1 on k7-1400, reboot" linux reboot vmlinuz-686 \
            initrd-busybox-static --machine k7-1400 --model flat
        ;;
    gnumach | mach_traps) boot "$1" mach ;;
    *)
        echo "isochron_boot.sh: no image '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
}

case ${1:-} in
'' | -h | --help)
    usage
    exit 0
    ;;
esac
[ -x "$isochron" ] || {
    echo "no $isochron: build it first (cmake --preset release && ninja -C build/release)" >&2
    exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
# shellcheck disable=SC2086 # names are words
[ "$1" != all ] || set -- $images
for image in "$@"; do
    each "$image"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
