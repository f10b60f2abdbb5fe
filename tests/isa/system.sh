#!/usr/bin/env bash
# system: boots the self-checking image system.S on Isochron and on the judges this host has.
#
#   tests/isa/system.sh                all of them; fails if Isochron or a judge disagrees
#   tests/isa/system.sh bochs|qemu|kvm|isochron     one
#
# Bochs must pass every check: it keeps the expectations honest. QEMU's TCG leaves out many checks of
# segments; its reviewed failures are in system-qemu-differences, and anything else is an error. KVM is
# asked where it opens, and skipped where it cannot run the image (a KVM without hardware under it).
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/isa/lib.sh
. tests/isa/lib.sh
# shellcheck source=tests/boot/bochs.sh
. tests/boot/bochs.sh

gcc -m32 -c -I$here $here/system.S -o "$work/system.o" &&
    ld -m elf_i386 --no-warn-rwx-segments -T $here/system.ld "$work/system.o" -o "$work/system" ||
    exit 1

# Waits for the report in a file, while a process lives, some seconds at most.
await() {
    local file=$1 pid=$2 seconds=$3
    for _ in $(seq $((seconds * 5))); do
        grep -qs ' failed' "$file" && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}

# report NAME FILE: the last line, and every failure. All checks must have passed.
report() {
    local name=$1 file=$2
    grep -s '^FAIL' "$file" | sed "s/^/$name: /"
    printf '%s: %s\n' "$name" "$(grep -s ' failed' "$file" | tr -d '\r' || echo 'no report')"
    grep -qs ', 0 failed' "$file"
}

on_isochron() {
    local model machine status=0
    for model in flat p5 a64-2200; do
        machine=(--model $model)
        [ $model != a64-2200 ] || machine=(--machine a64-2200 --model flat)
        "$isochron" run "${machine[@]}" -kernel "$work/system" -nographic -serial "file:$work/$model.out" \
            -device $exit_device --max-cycles 200M >"$work/$model.log" 2>&1 </dev/null
        report "isochron ($model)" "$work/$model.out" || { tail -n 5 "$work/$model.log"; status=1; }
    done
    return $status
}

qemu() { # OPTIONS...: leaves its serial port in qemu.out
    rm -f "$work/qemu.out"
    timeout 60 ${qemu:-qemu-system-i386} -kernel "$work/system" -display none -monitor none -no-reboot -m 64 \
        -serial "file:$work/qemu.out" -device $exit_device "$@" >"$work/qemu.log" 2>&1 </dev/null &
    await "$work/qemu.out" $! 50
}

# A Pentium, and a part with what came later (system_later.S); this one has SYSCALL in 64-bit QEMU.
on_qemu() {
    local status=0
    command -v qemu-system-i386 >/dev/null || { echo 'qemu: skipped, not installed'; return 77; }
    qemu -cpu pentium -append '!'
    reviewed_qemu || status=1
    qemu=qemu-system-x86_64 qemu -cpu phenom -append '!'
    reviewed_qemu || status=1
    return $status
}

reviewed_qemu() {
    grep -qs ' failed' "$work/qemu.out" || { echo 'qemu: no report'; return 1; }
    sed -n 's/^FAIL \(.*\): is .*/\1/p' "$work/qemu.out" | sort -u >"$work/differs"
    grep -v '^#' $here/system-qemu-differences | sort -u >"$work/reviewed"
    comm -23 "$work/differs" "$work/reviewed" | sed 's/^/qemu: not reviewed: /' | tee "$work/new"
    printf 'qemu: %s, %d of them not reviewed\n' "$(grep ' failed' "$work/qemu.out" | tr -d '\r')" \
        "$(wc -l <"$work/new")"
    [ ! -s "$work/new" ]
}

on_kvm() {
    [ -w /dev/kvm ] || { echo 'kvm: skipped, /dev/kvm does not open'; return 77; }
    qemu -enable-kvm -cpu pentium
    if ! grep -qs ' failed' "$work/qemu.out"; then
        echo "kvm: skipped, the image ended there without a report $(tail -n 1 "$work/qemu.log")"
        return 77
    fi
    report kvm "$work/qemu.out"
}

on_bochs() {
    for tool in bochs grub-mkrescue xorriso; do
        command -v $tool >/dev/null || { echo "bochs: skipped, $tool is not installed"; return 77; }
    done
    mkdir -p "$work/iso/boot"
    cp "$work/system" "$work/iso/boot/"
    bochs_start "$work" "mode=file, dev=$work/bochs.out" 120 'multiboot /boot/system' ||
        { echo 'bochs: skipped, grub-mkrescue failed'; return 77; }
    await "$work/bochs.out" "$bochs" 110
    report bochs "$work/bochs.out"
}

failed=0 ran=0
for target in ${1:-isochron bochs qemu kvm}; do
    case $target in
    isochron) on_isochron ;;
    bochs) on_bochs ;;
    qemu) on_qemu ;;
    kvm) on_kvm ;;
    *) echo "system.sh: $target is no target; accepted are isochron, bochs, qemu, kvm" >&2 && exit 2 ;;
    esac
    case $? in
    0) ran=$((ran + 1)) ;;
    77) ;;
    *) failed=1 ran=$((ran + 1)) ;;
    esac
done
[ $ran -gt 0 ] || exit 77
exit $failed
