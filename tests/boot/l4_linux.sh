#!/bin/bash
# l4_linux.sh [TARGET...]: Linux as a server on our L4 kernel, under QEMU and on Isochron's models (qemu,
# flat, p5); with system calls by the library and by the trampoline, that one in a small space (library,
# trampoline); as a task of our root server, its terminal the console server's (task); all if none is named.
# A session is typed at its shell; what the commands print must be what native Linux prints for them.
# BUILD names the build (build/release); ISOCHRON the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
isochron=${ISOCHRON:-$build/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
image() { "$root/guests/images" "$1" | sed 's/^[^ ]* //'; }
initrd=$(image initrd-klibc)
passed=0 failed=0

# Commands whose output depends on nothing but Linux: pipes, processes, files, links, signals, loops.
cat >"$work/session" <<'END'
echo $((6*7))
cat /proc/sys/kernel/ostype /proc/sys/kernel/osrelease
mkdir /tmp/a; cd /tmp/a; echo one >f; ln f g; ln -s f h; cat f g h; echo *; cd /
for i in 1 2 3 4 5 6 7 8; do (echo $i); done | cat | cat; pwd
sleep 1 & kill $!; wait $!; echo status $?
sh -c 'kill -11 $$'; echo status $?
trap 'echo caught' 15; kill -15 $$; trap - 15
dd if=/dev/zero of=/tmp/z bs=4096 count=100 2>/dev/null; cat /tmp/z /tmp/z | cat >/tmp/y; cmp /tmp/y /dev/zero; rm /tmp/y /tmp/z
mknod /tmp/p p; (echo through a fifo >/tmp/p) & cat /tmp/p; rm /tmp/p
i=0; while [ $i -lt 40 ]; do cat /proc/self/comm >/dev/null; i=$((i+1)); done; echo $i processes
cat /no/such/file; echo status $?
mount -t tmpfs none /tmp/a; echo two >/tmp/a/x; cat /tmp/a/*; umount /tmp/a; echo /tmp/a/*
uname -s -r -m
END

# typed LAST: the serial script of the session.
typed() {
    local line
    echo 'wait "isochron: shell"'
    while IFS= read -r line; do
        line=${line//\\/\\\\}
        printf 'wait "# "\nsend "%s\\n"\n' "${line//\"/\\\"}"
    done <"$work/session"
    printf 'wait "# "\nsend "poweroff\\n"\n'
}

# answers FILE: what the session's commands printed, without the shell's numbers of processes.
answers() {
    tr -d '\r' <"$1" | sed 's/^\[linux\] //' | sed -n '/^isochron: shell/,/poweroff$/p'
}

native() {
    "$isochron" run --quiet -no-reboot --model flat -kernel "$(image vmlinux)" -initrd "$initrd" \
        -append "$("$root/guests/images" --cmdline vmlinux)" -serial "file:$work/native" \
        -serial-input "$work/typed" --max-cycles 6G </dev/null 2>"$work/log"
}

options="mem=32M initrd=rd console=ttyS0 quiet lpj=400000 exit=debug"
modules="$build/l4/sigma0,$(image linux-l4) $options,$initrd"

# As a task it is called linux, and so its lines begin.
tasks="$build/l4/sigma0,$build/l4/root exit=debug,$build/l4/names,$build/l4/console prio=155 keyboard=linux"
tasks+=",$(image linux-l4) name=linux mem=32M initrd=${initrd##*/} console=ttyS0 quiet lpj=400000"
tasks+=" syscalls=library,$initrd"

on_isochron() { # MODEL KERNEL WAY SPACE
    local append=root=low modules=${modules/exit=debug/exit=debug syscalls=$3 space=$4}
    [ "$4" != task ] || append= modules=$tasks
    timeout 400 "$isochron" run --quiet --machine p133 --model "$1" -kernel "$build/l4/$2" -append "$append" \
        -initrd "$modules" -serial "file:$work/out" -serial-input "$work/typed" \
        -device isa-debug-exit,iobase=0xf4,iosize=4 --max-cycles 20G </dev/null 2>"$work/log"
}

# QEMU's terminal is a pipe: the session is typed line by line as the prompts come.
on_qemu() {
    local status=0 line
    mkfifo "$work/in"
    timeout 300 qemu-system-i386 -cpu pentium -m 64 -kernel "$build/l4/kernel-checked" \
        -initrd "$modules" -serial stdio -display none -monitor none -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 <"$work/in" >"$work/out" 2>"$work/log" &
    local qemu=$! prompts=0
    exec 9>"$work/in"
    { cat "$work/session"; echo poweroff; } >"$work/lines"
    while IFS= read -r line <&8; do
        prompts=$((prompts + 1))
        until [ "$(grep -aco '^# ' "$work/out" || true)" -ge $prompts ] || ! kill -0 $qemu 2>/dev/null; do
            sleep 0.1
        done
        printf '%s\n' "$line" >&9
    done 8<"$work/lines"
    wait $qemu || status=$?
    exec 9>&-
    return $status
}

check() { # NAME COMMAND...
    local name=$1 status=0
    shift
    "$@" || status=$?
    answers "$work/out" >"$work/answers"
    if [ $status -eq 1 ] && diff "$work/expected" "$work/answers" >"$work/diff"; then
        passed=$((passed + 1))
        echo "$name: ok, $(wc -l <"$work/answers") lines as native"
    else
        failed=$((failed + 1))
        echo "$name: FAILED, exit code $status; native < > on L4:"
        head -n 30 "$work/diff"
        tail -n 5 "$work/out" "$work/log"
    fi
}

typed >"$work/typed"
native
answers "$work/native" >"$work/expected"
[ "$(wc -l <"$work/expected")" -gt 25 ] || { echo "native Linux did not do the session"; exit 1; }
[ $# -gt 0 ] || set -- qemu flat p5 library trampoline task
for target; do
    case $target in
    qemu) check 'qemu, pentium' on_qemu ;;
    flat) check 'isochron, flat, assertions on' on_isochron flat kernel-checked exception large ;;
    library) check 'isochron, flat, assertions on, library' on_isochron flat kernel-checked library large ;;
    trampoline)
        check 'isochron, flat, assertions on, trampoline, small' on_isochron flat kernel-checked trampoline small
        ;;
    task) check 'isochron, flat, assertions on, library, a task' on_isochron flat kernel-checked library task ;;
    p5) check 'isochron, p5' on_isochron p5 kernel exception large ;;
    *)
        echo "l4_linux.sh: $target is no target; accepted are qemu, flat, p5, library, trampoline, task" >&2
        exit 2
        ;;
    esac
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
