#!/bin/bash
# one_hash.sh (or one_hash.sh ROUNDS): one hash from every compiler and optimisation level. Builds the simulator with
# gcc -O0, -O2 and -O3, with clang, and with the sanitizers; each runs the law guest on flat and on p5
# to its end; state hashes, cycles and output must be the same.
#
# Builds go to build/ (or $ISOCHRON_BUILD), where presets have theirs: a minute each on first use.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
builds=$(realpath -m "${ISOCHRON_BUILD:-$root/build}")
rounds=${1:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# NAME PRESET CMAKE-OPTION...
variants=(
    "release release"
    "debug debug"
    "gcc-O3 release -DCMAKE_C_FLAGS_RELEASE=-O3"
    "clang clang"
    "clang-O2 clang -DCMAKE_C_FLAGS_RELEASE=-O2"
    "dev dev"
)

compile() {
    local name=$1 preset=$2
    shift 2
    if ! { cmake -S "$root" --preset "$preset" -B "$builds/$name" "$@" &&
        ninja -C "$builds/$name" isochron; } >"$work/log" 2>&1; then
        tail -n 30 "$work/log"
        echo "the $name build failed"
        exit 1
    fi
}

# The hash line and the serial output of one run. The kernel's name is in the guest's command line.
run() {
    (cd "$work" && "$builds/$1/isochron" run -model "$2" -kernel law_guest -append "rounds=$rounds" \
        -m 4 --hash --quiet </dev/null 2>err)
}

"$root/tests/guest/build.sh" "$work/law_guest"
cd "$root"
for variant in "${variants[@]}"; do
    read -r -a words <<<"$variant"
    compile "${words[@]}"
    for model in flat p5; do
        run "${words[0]}" "$model" >"$work/$model" || true
        [ -e "$work/$model.first" ] || cp "$work/$model" "$work/$model.first"
        if grep -aq '^law guest: done' "$work/$model" && grep -aq '^state hash' "$work/$model" &&
            cmp -s "$work/$model" "$work/$model.first"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "${words[0]} $model:"
            cat "$work/$model" "$work/err"
        fi
    done
done
grep -ah '^state hash' "$work/flat.first" "$work/p5.first" || true
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
