#!/usr/bin/env bash
# mach_names.sh: Debian's GNU Mach has no symbols; its rules know it by its memory, and name its tasks.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
isochron=${ISOCHRON:-$root/build/release/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

image() { "$root/guests/images" "$1" | cut -d' ' -f2; }
# has NAME REGEX
has() {
    if grep -qE "$2" "$work/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1: nothing like '$2'"
        sed 's/^/    /' "$work/out"
    fi
}

mach=$(image gnumach) traps=$(image mach_traps)
timeout 300 "$isochron" run --machine i686 --model p5 --set clock.hz_num=33333333 -kernel "$mach" \
    -initrd "$traps $("$root/guests/images" --cmdline mach_traps)" \
    -append "$("$root/guests/images" --cmdline gnumach)" --fast-forward 'serial:task loaded' \
    --until-serial 'min ' --max-cycles 900M --paths --serial null --quiet >"$work/out" 2>&1 || true
has 'the space is the task that was loaded' '^ +1  /[^ ]+ +[0-9a-f]{8} 00000000 +1 '
has 'its traps are one path, and nearly all take the same time' '^ +1  call gate -> user +10[0-9]{2} +[0-9]+   99 % '
has 'the path has phases' '^  call gate -> user +1024 +[0-9.]+  entry [0-9.]+, kernel [0-9.]+, exit [0-9.]+$'
has 'interrupts are timed' '^  20 +handler +[0-9]+ +[0-9]+'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
