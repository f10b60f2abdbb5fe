#!/bin/bash
# l4_servers.sh KERNEL DIR: boots the L4 kernel under QEMU with sigma0, the root server and the servers
# of DIR, and looks at what they say and how the machine ends. One line a boot: ok or FAILED.
# Exit code 1 if any failed. L4_SECONDS (30) limits each boot.
set -euo pipefail
seconds_max=${L4_SECONDS:-30}
if [ $# -ne 2 ]; then
    echo "usage: tests/boot/l4_servers.sh KERNEL DIR   (both from the build: build/l4/kernel build/l4)" >&2
    exit 2
fi
kernel=$1
dir=$2
servers="$dir/names,$dir/console,$dir/timer,$dir/memory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# boot NAME STATUS MODULES TEXT...: every text appears, and the machine ends with the root server's
# status. Standard input is typed, a line each time the shell's prompt stands there.
boot() {
    local name=$1 status=$2 modules=$3 code=0 text
    shift 3
    timeout "$seconds_max" qemu-system-i386 -cpu pentium -m 64 -kernel "$kernel" \
        -initrd "$dir/sigma0,$dir/root exit=debug,$modules" -serial stdio -display none -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 <"$work/keys" >"$work/log" 2>&1 || code=$?
    if [ "$code" -ne $((status * 2 + 1)) ]; then
        echo "$name FAILED: QEMU ended with $code, not $((status * 2 + 1))"
        sed 's/^/    /' "$work/log"
        failed=1
        return
    fi
    for text in "$@"; do
        if ! grep -qF -- "$text" "$work/log"; then
            echo "$name FAILED: nothing said '$text'"
            sed 's/^/    /' "$work/log"
            failed=1
            return
        fi
    done
    echo "$name ok"
}

: >"$work/keys"
boot alone 0 "$dir/hello" 'hello: no memory server' 'says 40 + 2 = 42'
boot hello 0 "$servers,$dir/hello one two" 'command line "one two"' 'says 40 + 2 = 42' \
    '75000 of 75000 words are right'
boot two 0 "$servers,$dir/hello,$dir/hello" '75000 of 75000 words are right'
boot check 0 "$servers,$dir/check,$dir/check peer,$dir/spin" 'check: 0 failed'
boot undefined-opcode 106 "$servers,$dir/hello ud2" '(hello) died: exception 6'
boot null-pointer 114 "$servers,$dir/hello null" '(hello) stopped: read fault at 00000010'
boot write-to-code 114 "$servers,$dir/hello text" '(hello) stopped: write fault at 0100'
boot null-behind-memory-server 114 "$servers,$dir/hello late" \
    '75000 of 75000 words are right' '(hello) stopped: read fault at 00000010'
boot out-of-memory 114 "$servers,$dir/hello hog,$dir/hello" 'memory: none is left for task 4'
boot no-program 1 "$servers,$kernel" 'not started'

# The UART holds what is typed before the console server asks: 16 bytes, so the lines are short.
mkfifo "$work/pipe"
{ sleep 3; for line in names tasks memory 'sleep 100' clock console 'exit 5'; do
    printf '%s\r' "$line"; sleep 0.5; done; sleep "$seconds_max"; } >"$work/pipe" &
typist=$!
rm "$work/keys"
ln -s pipe "$work/keys"
boot shell 5 "$servers,$dir/shell" '> names' 'timer            thread' 'serving' 'frames spare' \
    'microseconds' ' bytes out'
kill "$typist" 2>/dev/null || true
exit "$failed"
