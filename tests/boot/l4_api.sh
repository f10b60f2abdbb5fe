#!/bin/bash
# l4_api.sh [TARGET...]: runs the tests of the L4 kernel's API (guests/tests) on QEMU's Pentium and
# Pentium III, on Bochs through a GRUB image, and on Isochron's p133, without timing and with the
# Pentium's, and its Athlons; then I/O ports as fpages, thousands of threads, the kernel without memory, blows at
# threads, and the fuzzer. Targets: qemu, bochs, isochron; all if none is named. Each run prints
# what failed and its count; the last line is 'N passed, N failed' over all of them.
#
# QEMU counts instructions for time, and the clock chip follows: what else the host does changes nothing.
# BUILD names the build (build/release), KERNEL the kernel (l4/kernel-checked of it).
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
kernel=${KERNEL:-$build/l4/kernel-checked}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/boot/bochs.sh
. "$root/tests/boot/bochs.sh"
exit_device=isa-debug-exit,iobase=0xf4,iosize=4
passed=0 failed=0

for image in "$kernel" "$build"/l4/{sigma0,api_tests,api_ports,api_fuzz,api_threads,api_memory,api_chaos}; do
    [ -e "$image" ] && continue
    echo "no $image: build it first (cmake --preset release && ninja -C build/release)"
    exit 1
done

# run_qemu CPU MODULE, run_isochron MODEL MODULE, run_bochs - MODULE: the serial line into $work/out.
run_qemu() {
    timeout 120 qemu-system-i386 -cpu "$1" -m 64 -kernel "$kernel" -append "${append:-}" \
        -initrd "$build/l4/sigma0,$build/l4/$2 exit=debug" -serial "file:$work/out" -display none \
        -monitor none -no-reboot -device $exit_device -icount shift=3,sleep=off -rtc clock=vm \
        >"$work/log" 2>&1 </dev/null
}

run_isochron() {
    timeout 400 "${ISOCHRON:-$build/isochron}" run --quiet --machine p133 --model "$1" \
        -kernel "$kernel" -append "${append:-}" -initrd "$build/l4/sigma0,$build/l4/$2 exit=debug" \
        -serial "file:$work/out" -device $exit_device --max-cycles 40G >"$work/log" 2>&1 </dev/null
}

# The same on an Athlon, where the kernel is entered by SYSENTER; at a tenth of its clock, what waits
# for time waits a tenth of the instructions.
run_athlon() {
    timeout 400 "${ISOCHRON:-$build/isochron}" run --quiet --machine "$1" --model flat \
        --set clock.hz_den=10 -kernel "$kernel" -append "${append:-}" \
        -initrd "$build/l4/sigma0,$build/l4/$2 exit=debug" -serial "file:$work/out" \
        -device $exit_device --max-cycles 40G >"$work/log" 2>&1 </dev/null
}

run_bochs() {
    local name=${2%% *}
    rm -rf "$work/iso"
    mkdir -p "$work/iso/boot"
    cp "$kernel" "$work/iso/boot/kernel"
    cp "$build/l4/sigma0" "$build/l4/$name" "$work/iso/boot/"
    bochs_start "$work" "mode=file, dev=$work/out" 200 "multiboot /boot/kernel kernel ${append:-}" \
        'module /boot/sigma0 sigma0' "module /boot/$name $2" || return
    while kill -0 $bochs 2>/dev/null && ! grep -qsE "halted with status|panic" "$work/out"; do
        sleep 0.5
    done
    kill $bochs 2>/dev/null
    wait $bochs 2>/dev/null
}

# check NAME TEXT COMMAND...: one run; its serial line must have the text.
check() {
    local name=$1 text=$2 began=$SECONDS last
    shift 2
    : >"$work/out"
    "$@"
    grep -a '^not ok' "$work/out" | tr -d '\r' | sed "s/^/$name: /"
    last=$(tr -d '\r' <"$work/out" | grep -aE 'passed|fuzz: [0-9]+ calls' | tail -n 1)
    if tr -d '\r' <"$work/out" | grep -qaE "$text"; then
        passed=$((passed + 1))
        printf '%s: ok, %s (%d s)\n' "$name" "$last" $((SECONDS - began))
    else
        failed=$((failed + 1))
        printf '%s: FAILED, %s (%d s)\n' "$name" "${last:-no result}" $((SECONDS - began))
        tail -n 25 "$work/out" "$work/log" | tr -d '\r' | sed 's/^/    /'
    fi
}

all='^179 passed, 0 failed$' ports='^15 passed, 0 failed$' fpages=ioports=fpages
has() { command -v "$1" >/dev/null || { echo "$1 is not installed: not asked"; return 1; }; }
[ $# -gt 0 ] || set -- qemu bochs isochron
for target; do
    case $target in
    qemu)
        has qemu-system-i386 || continue
        check 'qemu, pentium' "$all" run_qemu pentium api_tests
        check 'qemu, pentium3' "$all" run_qemu pentium3 api_tests
        append=$fpages check 'qemu, ports' "$ports" run_qemu pentium api_ports
        append=$fpages check 'qemu, ports, SYSENTER' "$ports" run_qemu pentium3 api_ports
        check 'qemu, threads' ': passed$' run_qemu pentium api_threads
        append=kmem=2M check 'qemu, memory' ': passed$' run_qemu pentium api_memory
        append=kmem=2M check 'qemu, chaos' ': passed$' run_qemu pentium 'api_chaos n=40000'
        check 'qemu, fuzz' '^fuzz: survived$' run_qemu pentium3 'api_fuzz cycles=6000'
        ;;
    bochs)
        if ! has bochs || ! has grub-mkrescue || ! has xorriso; then continue; fi
        check bochs "$all" run_bochs - api_tests
        append=$fpages check 'bochs, ports' "$ports" run_bochs - api_ports
        ;;
    isochron)
        check 'isochron, flat' "$all" run_isochron flat api_tests
        check 'isochron, p5' "$all" run_isochron p5 api_tests
        for machine in k7-1400 k7-1400-palomino a64-2200; do
            check "isochron, $machine" "$all" run_athlon $machine api_tests
        done
        append=$fpages check 'isochron, ports' "$ports" run_isochron flat api_ports
        append=$fpages check 'isochron, ports, a64-2200' "$ports" run_athlon a64-2200 api_ports
        check 'isochron, threads' ': passed$' run_isochron flat api_threads
        append=kmem=2M check 'isochron, memory' ': passed$' run_isochron flat api_memory
        append=kmem=2M check 'isochron, chaos' ': passed$' run_isochron flat 'api_chaos n=100000'
        check 'isochron, fuzz' '^fuzz: survived$' run_isochron flat 'api_fuzz cycles=100'
        ;;
    *)
        echo "l4_api.sh: $target is no target; accepted are qemu, bochs, isochron" >&2
        exit 2
        ;;
    esac
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
