#!/bin/bash
# gdb_session.sh [MODEL...]: the real gdb on Linux booting: it breaks at a kernel symbol, steps, reads
# registers and memory, watches a variable, and goes on (on flat to the shell); the state's hash at a
# later cycle must be that of a run without it. Models are flat and p5 unless given. ISOCHRON names
# the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
isochron=${ISOCHRON:-$root/build/release/isochron}
command -v gdb >/dev/null || {
    echo "gdb is not installed (package gdb)"
    exit 77
}
image() { "$root/guests/images" "$1" | sed 's/^[^ ]* //'; }
vmlinux=$(image vmlinux)
initrd=$(image initrd-klibc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

run() {
    local model=$1 cycles=50M
    shift
    [ "$model" != flat ] || cycles=100M
    timeout 300 "$isochron" run -model "$model" -kernel "$vmlinux" -initrd "$initrd" --quiet \
        -append "$("$root/guests/images" --cmdline vmlinux)" --max-cycles "$cycles" --hash "$@" </dev/null
}

expect() {
    if grep -aqE -- "$2" "$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1: gdb did not print /$2/:"
        cat "$3"
    fi
}

session() {
    local model=$1 simulator port=''
    : >"$work/err"
    run "$model" --gdb 0 -S >"$work/out" 2>"$work/err" &
    simulator=$!
    while [ -z "$port" ]; do
        port=$(sed -n 's/.*target remote 127.0.0.1://p' "$work/err")
        kill -0 "$simulator" 2>/dev/null || break
        sleep 0.05
    done
    cat >"$work/commands" <<END
set confirm off
set pagination off
target remote 127.0.0.1:$port
info registers eip cs cr0
break start_kernel
continue
stepi
stepi
info registers eip esp
x/3i \$pc
x/2xb start_kernel
info float
delete
watch *(int *)&jiffies
continue
bt 1
delete
monitor cycles
monitor hash
continue
END
    timeout 300 gdb -q -nx -batch -x "$work/commands" "$vmlinux" >"$work/gdb" 2>&1 || true
    wait "$simulator" || true
    for text in 'cr0 +0x11' 'Breakpoint 1, 0x[0-9a-f]+ in start_kernel' 'start_kernel\+' \
        '<start_kernel>:.*0x[0-9a-f]{2}.0x[0-9a-f]{2}' 'Tag Word' 'Old value = -30000' \
        'New value = -29999' '#0 +0x[0-9a-f]+ in do_timer' 'cycle [0-9]+, [0-9]+ instructions' \
        'state hash [0-9a-f]{16} at' 'exited with code 0174'; do
        expect "$model" "$text" "$work/gdb"
    done
    [ "$model" != flat ] || expect "$model" 'isochron: shell' "$work/out"
}

for model in ${*:-flat p5}; do
    run "$model" >"$work/alone" 2>/dev/null || true
    session "$model"
    alone=$(grep -a 'state hash' "$work/alone") watched=$(grep -a 'state hash' "$work/out") || true
    if [ -n "$alone" ] && [ "$alone" = "$watched" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$model: '$alone' without gdb, '$watched' with it"
        cat "$work/err"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
