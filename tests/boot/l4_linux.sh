#!/bin/bash
# l4_linux.sh [TARGET...]: Linux as a server on our L4 kernel, under QEMU, Bochs and on Isochron's models
# (qemu, bochs, flat, p5, k7, k8); with system calls by the library and by the trampoline, that one in a small
# space (library, trampoline); in a small space that it outgrows, so that the kernel says so and gives it a large one
# (outgrown); as a task of our root server, its terminal the console server's (task); the same server without L4
# (bare-qemu, bare-bochs, bare, which is p5, and bare-k8); all if none is named.
# A session is typed at its shell; what the commands print must be what native Linux prints for them.
# BUILD names the build (build/release); ISOCHRON the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
isochron=${ISOCHRON:-$build/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/boot/bochs.sh
. "$root/tests/boot/bochs.sh"
image() { "$root/guests/images" "$1" | sed 's/^[^ ]* //'; }
initrd=$(image initrd-klibc)
passed=0 failed=0

# Commands whose output depends on nothing but Linux: pipes, processes, files, links, signals, loops.
cat >"$work/session" <<'END'
echo $((6*7))
cat /proc/sys/kernel/ostype /proc/sys/kernel/osrelease
mkdir /tmp/a; cd /tmp/a; echo one >f; ln f g; ln -s f h; cat f g h; echo *; cd /
for i in 1 2 3 4 5 6 7 8; do (echo $i); done | cat | cat; pwd
sleep 1000 & kill $!; wait $!; echo status $?
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
    local append=root=low modules=${modules/exit=debug/exit=debug syscalls=$3 space=$4} machine=p133
    case $1 in k7) machine=k7-1400 ;; k8) machine=a64-2200 ;; esac
    [ "$4" != task ] || append= modules=$tasks
    [ "$4" != outgrown ] || machine+=' -m 128' modules=${modules/mem=32M/mem=62M} modules=${modules/outgrown/small}
    # shellcheck disable=SC2086 # the machine may have an option behind it
    timeout 400 "$isochron" run --quiet --machine $machine --model "$1" -kernel "$build/l4/$2" -append "$append" \
        -initrd "$modules" -serial "file:$work/out" -serial-input "$work/typed" \
        -device isa-debug-exit,iobase=0xf4,iosize=4 --max-cycles 20G </dev/null 2>"$work/log"
}

# refuses OPTION TEXT: what wants L4's Ipc says so, and nothing else happens.
refuses() {
    "$isochron" run --quiet --model flat -kernel "$(image linux-bare)" -initrd "$initrd" -append "$options $1" \
        -serial "file:$work/out" -device isa-debug-exit,iobase=0xf4,iosize=4 --max-cycles 1G \
        </dev/null 2>"$work/log" || [ $? -eq 3 ] || return 2
    grep -q "^linux: $1 is for Linux on L4" "$work/out"
}

bare_on_isochron() { # MODEL
    local machine=p133
    case $1 in k8) machine=a64-2200 ;; esac
    timeout 400 "$isochron" run --quiet --machine $machine --model "$1" -kernel "$(image linux-bare)" \
        -append "$options" -initrd "$initrd" -serial "file:$work/out" -serial-input "$work/typed" \
        -device isa-debug-exit,iobase=0xf4,iosize=4 --max-cycles 20G </dev/null 2>"$work/log"
}

# type_session PROCESS: line by line into 9 as the prompts come, while the process runs.
type_session() {
    local prompts=0 line
    while IFS= read -r line <&8; do
        prompts=$((prompts + 1))
        until [ "$(grep -aco '^# ' "$work/out" || true)" -ge $prompts ] || ! kill -0 "$1" 2>/dev/null; do
            sleep 0.1
        done
        printf '%s\n' "$line" >&9
    done 8< <(cat "$work/session"; echo poweroff)
}

# The kernel must have said that the server outgrew its small space.
outgrows() {
    on_isochron "$@" || local status=$?
    grep -aq 'goes beyond its small space: large now' "$work/out" || { echo "it did not outgrow it" >>"$work/log"; return 9; }
    return ${status:-0}
}

# QEMU's terminal is a pipe.
on_qemu() { # KERNEL OPTIONS MODULES
    local status=0
    rm -f "$work/in"
    mkfifo "$work/in"
    timeout 300 qemu-system-i386 -cpu pentium -m 64 -kernel "$1" -append "$2" \
        -initrd "$3" -serial stdio -display none -monitor none -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 <"$work/in" >"$work/out" 2>"$work/log" &
    local qemu=$!
    exec 9>"$work/in"
    type_session $qemu
    wait $qemu || status=$?
    exec 9>&-
    return $status
}

# Bochs's terminal is a socket, at a port below those that the system hands out; another one where somebody has
# that. 9 is the other end.
bochs_terminal() { # LINE...
    for _ in 1 2 3 4 5; do
        local port=$((20000 + RANDOM % 12000))
        bochs_start "$work" "mode=socket-server, dev=localhost:$port" 300 "$@" || return
        while kill -0 "$bochs"; do
            if exec 9<>"/dev/tcp/localhost/$port"; then return; fi
            sleep 0.2
        done 2>/dev/null
    done
    return 1
}

# It has no debug exit: Linux halts, and says so.
on_bochs() { # FILE...: the first is what GRUB runs, with Linux's options where that is Linux
    local reader file word=multiboot line lines=()
    rm -rf "$work/iso"
    mkdir -p "$work/iso/boot"
    cp "$@" "$work/iso/boot/"
    for file; do
        line="$word /boot/${file##*/} ${file##*/}"
        case $file in */vmlinux | */linux-bare) line+=" ${options/exit=debug/exit=halt}" ;; esac
        lines+=("$line")
        word=module
    done
    bochs_terminal "${lines[@]}" || { echo 'Bochs has no terminal' >>"$work/log"; return 9; }
    cat <&9 >"$work/out" &
    reader=$!
    type_session "$bochs"
    until grep -aq 'System halted' "$work/out" || ! kill -0 "$bochs" 2>/dev/null; do sleep 0.2; done
    kill "$bochs" $reader 2>/dev/null || true
    wait "$bochs" $reader 2>/dev/null || true
    exec 9>&-
    ! grep -aq 'System halted' "$work/out" # 1, as the others' debug exit has it
}

check() { # NAME COMMAND...
    local name=$1 status=0
    shift
    : >"$work/out" >"$work/diff" # what the one before has answered is no answer
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
[ $# -gt 0 ] || set -- qemu bochs flat p5 k8 library trampoline outgrown task bare-qemu bare-bochs bare bare-k8
for target; do
    case $target in
    qemu) check 'qemu, pentium' on_qemu "$build/l4/kernel-checked" '' "$modules" ;;
    bochs) check 'bochs, pentium' on_bochs "$build/l4/kernel" "$build/l4/sigma0" "$(image linux-l4)" "$initrd" ;;
    bare-qemu) check 'without L4, qemu, pentium' on_qemu "$(image linux-bare)" "$options" "$initrd" ;;
    bare-bochs) check 'without L4, bochs, pentium' on_bochs "$(image linux-bare)" "$initrd" ;;
    bare)
        for option in syscalls=library syscalls=trampoline space=small; do
            refuses $option || { echo "without L4: $option is not refused"; failed=$((failed + 1)); }
        done
        check 'without L4, isochron, p5' bare_on_isochron p5
        ;;
    bare-k8) check 'without L4, isochron, a64-2200' bare_on_isochron k8 ;;
    flat) check 'isochron, flat, assertions on' on_isochron flat kernel-checked exception large ;;
    library) check 'isochron, flat, assertions on, library' on_isochron flat kernel-checked library large ;;
    trampoline)
        check 'isochron, flat, assertions on, trampoline, small' on_isochron flat kernel-checked trampoline small
        ;;
    outgrown)
        check 'isochron, flat, assertions on, library, a small space outgrown' \
            outgrows flat kernel-checked library outgrown
        ;;
    task) check 'isochron, flat, assertions on, library, a task' on_isochron flat kernel-checked library task ;;
    p5) check 'isochron, p5' on_isochron p5 kernel exception large ;;
    k7) check 'isochron, k7-1400' on_isochron k7 kernel exception large ;;
    k8) check 'isochron, a64-2200, library' on_isochron k8 kernel library large ;;
    *)
        echo "l4_linux.sh: $target is no target; accepted are qemu, bochs, flat, p5, k7, k8, library, trampoline, outgrown," \
            "task, bare-qemu, bare-bochs, bare, bare-k8" >&2
        exit 2
        ;;
    esac
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
