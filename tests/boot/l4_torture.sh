#!/bin/bash
# l4_torture.sh [ROUNDS [TARGET...]]: guests/linux/tests/torture on native Linux and on Linux as a server
# on our L4 kernel. Both must print the same and leave the same processes; between the first round and
# the last, free memory may fall as far as native Linux's (its caches grow), and 300 KB, and L4's own (its
# debugger tells) by no more than frames_max. Of spaces, and threads with them, there may be kept_max more or
# fewer than before: so many the server keeps for its next processes (KEPT_MAX in process.c), and how many it
# has just then is by chance; each has kept_frames. Targets: flat (the kernel with its assertions), p5,
# library, trampoline, bare (without L4, which then has nothing to tell); flat and bare if none is named. ROUNDS is
# 1 if it is not given; one is four seconds of the guest's time.
# BUILD names the build (build/release); ISOCHRON the program; LINUX_L4 another server.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
isochron=${ISOCHRON:-$build/isochron}
rounds=${1:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
image() { "$root/guests/images" "$1" | sed 's/^[^ ]* //'; }
initrd=$(image initrd-torture)
linux=${LINUX_L4:-$(image linux-l4)}
passed=0 failed=0
limit=$((rounds * 3 + 3)) frames_max=64 kept_max=8 kept_frames=13

# typed STOP: what is typed; on L4 (STOP is not empty) the kernel's debugger is asked twice.
typed() {
    local stop=
    [ -z "$1" ] || stop='
send "echo stop >/proc/l4\n"
wait "kdb> "
send "kernel\n"
wait "kdb> "
send "continue\n"
wait "# "'
    cat <<END
wait "isochron: shell"
wait "# "
send "torture 1 >/dev/null 2>&1; echo first: \$(grep MemFree /proc/meminfo)\\n"
wait "# "$stop
send "torture $rounds; echo last: \$(grep MemFree /proc/meminfo)\\n"
wait "# "$stop
send "ps\\n"
wait "# "
send "poweroff\\n"
END
}

typed '' >"$work/typed"
typed stop >"$work/typed.l4"

answers() { tr -d '\r' <"$1" | sed -n '/^round 1$/,/^torture: done/p'; }
kilobytes() { tr -d '\r' <"$2" | sed -n "s/^$1: MemFree: *\([0-9]*\) kB.*/\1/p"; }
# What programs there are at the end, the kernel's threads apart: init, its shell, ps.
left() { tr -d '\r' <"$1" | sed -n '/^# ps$/,/^# poweroff/p' | grep -c -v '\[\|PID\|^#' || true; }

native() {
    "$isochron" run --quiet -no-reboot --model flat -kernel "$(image vmlinux)" -initrd "$initrd" \
        -append "$("$root/guests/images" --cmdline vmlinux)" -serial "file:$work/native" \
        --serial-input "$work/typed" --max-cycles "${limit}G" </dev/null 2>"$work/log"
}

on_l4() { # MODEL KERNEL OPTION
    local options='mem=32M initrd=rd console=ttyS0 quiet lpj=400000 exit=debug run="echo quiet >/proc/l4"'
    timeout 7200 "$isochron" run --quiet --machine p133 --model "$1" -kernel "$build/l4/$2" -append kdb \
        -initrd "$build/l4/sigma0,$linux $options $3,$initrd" -serial "file:$work/out" \
        --serial-input "$work/typed.l4" -device isa-debug-exit,iobase=0xf4,iosize=4 \
        --max-cycles "${limit}0G" </dev/null 2>"$work/log"
}

# l4_memory NUMBER: what L4's debugger said the NUMBERth time: free frames, threads, spaces, mappings.
l4_memory() {
    tr -d '\r' <"$work/out" | sed -n 's/^\([0-9]*\) frames free$/\1/p
        s/^\(threads\|spaces\|mappings\)  *\([0-9]*\) in use.*/\2/p' | sed -n "$(($1 * 4 - 3)),$(($1 * 4))p" | xargs
}

# l4_same THREADS SPACES FRAMES, before and after: as much of L4's memory is in use, but for kept spaces.
l4_same() {
    local spaces=$(($5 - $2))
    [ ${spaces#-} -le $kept_max ] && [ $(($4 - $1)) -eq $spaces ] &&
        [ $(($3 - $6)) -le $((frames_max + spaces * kept_frames)) ]
}

# Without L4: what the server prints, its memory and its processes.
bare() {
    local name='isochron, flat, without L4' status=0 fall
    timeout 7200 "$isochron" run --quiet --model flat -kernel "$(image linux-bare)" -initrd "$initrd" \
        -append 'mem=32M initrd=rd console=ttyS0 quiet lpj=400000 exit=debug' -serial "file:$work/out" \
        --serial-input "$work/typed" -device isa-debug-exit,iobase=0xf4,iosize=4 \
        --max-cycles "${limit}0G" </dev/null 2>"$work/log" || status=$?
    answers "$work/out" >"$work/answers"
    fall=$(($(kilobytes first "$work/out") - $(kilobytes last "$work/out")))
    if diff "$work/expected" "$work/answers" >"$work/diff" && [ $status -eq 1 ] &&
        [ $fall -lt $(($(kilobytes first "$work/native") - $(kilobytes last "$work/native") + 300)) ] &&
        [ "$(left "$work/out")" -eq "$(left "$work/native")" ]; then
        passed=$((passed + 1))
        echo "$name: ok, $(wc -l <"$work/answers") lines as native, $fall KB less free"
    else
        failed=$((failed + 1))
        echo "$name: FAILED, exit code $status, $fall KB less free, $(left "$work/out") processes left; native < >:"
        head -n 30 "$work/diff"
        tail -n 12 "$work/out" "$work/log"
    fi
}

check() { # NAME MODEL KERNEL OPTION
    local name=$1 status=0 before after processes fall frames threads spaces mappings was
    shift
    on_l4 "$@" || status=$?
    answers "$work/out" >"$work/answers"
    before=$(kilobytes first "$work/out") after=$(kilobytes last "$work/out")
    processes=$(left "$work/out")
    read -r frames threads spaces mappings <<<"$(l4_memory 2)"
    read -ra was <<<"$(l4_memory 1)"
    fall=$(($(kilobytes first "$work/native") - $(kilobytes last "$work/native")))
    if diff "$work/expected" "$work/answers" >"$work/diff" && [ $status -eq 1 ] &&
        [ $((before - after)) -lt $((fall + 300)) ] &&
        [ ${#was[@]} -eq 4 ] && l4_same "${was[1]}" "${was[2]}" "${was[0]}" "$threads" "$spaces" "$frames" &&
        [ "$processes" -eq "$(left "$work/native")" ]; then
        passed=$((passed + 1))
        echo "$name: ok, $(wc -l <"$work/answers") lines as native, free $before KB before and" \
            "$after KB after (native $fall KB less), $processes processes left;" \
            "L4: ${was[0]} frames free, then $frames, ${was[1]} threads, then $threads, ${was[2]} spaces," \
            "then $spaces, ${was[3]} mappings, then $mappings"
    else
        failed=$((failed + 1))
        echo "$name: FAILED, exit code $status, free $before KB, then $after KB, $processes" \
            "processes left; L4's frames, threads, spaces, mappings: ${was[*]}, then $frames $threads" \
            "$spaces $mappings; native < > on L4:"
        head -n 30 "$work/diff"
        tail -n 12 "$work/out" "$work/log"
    fi
}

native
answers "$work/native" >"$work/expected"
[ "$(wc -l <"$work/expected")" -gt 30 ] || { echo "native Linux did not do it"; exit 1; }
shift || true
[ $# -gt 0 ] || set -- flat bare
for target; do
    case $target in
    flat) check 'isochron, flat, assertions on' flat kernel-checked '' ;;
    p5) check 'isochron, p5' p5 kernel '' ;;
    bare) bare ;;
    library | trampoline) check "isochron, flat, $target" flat kernel-checked "syscalls=$target" ;;
    *)
        echo "l4_torture.sh: $target is no target; accepted are flat, p5, library, trampoline, bare" >&2
        exit 2
        ;;
    esac
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
