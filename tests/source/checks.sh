#!/usr/bin/env bash
# checks.sh: what ./test counts as passed, failed and skipped (tests/checks.sh). A test that fails is a
# failure whatever it prints; a skip is the exit code 77 alone, its own or that of guests/images.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir guests
cat >guests/images <<'END'
#!/bin/sh
case $1 in
lacking) echo "guests: cannot be had: package 'x'" >&2; exit 77 ;;
broken) echo 'guests: the build failed' >&2; exit 1 ;;
*) echo "$1 /images/$1" ;;
esac
END
chmod +x guests/images
good=0 bad=0

ends() { # CODE TEXT: a test
    echo "$2"
    return "$1"
}

# expect COUNTS REGEX ARGUMENT...: `check` of these counts so, passed failed skipped, and prints that.
expect() {
    local counts=$1 said=$2 out
    shift 2
    # shellcheck source=tests/checks.sh
    out=$(. "$root/tests/checks.sh" && check "$@" && echo "= $passed $failed $skipped")
    if [[ ${out##*$'\n'} == "= $counts" && $out =~ $said ]]; then
        good=$((good + 1))
    else
        bad=$((bad + 1))
        printf 'FAILED: %s: not %s, /%s/ but:\n%s\n' "$*" "$counts" "$said" "$out"
    fi
}

lack="guests: cannot be had: package 'x'"
expect '1 0 0' '^ok +name .*all well' name ends 0 'all well'
expect '0 1 0' '^FAILED +name .*exit 1.*wrong' name ends 1 'wrong'
expect '0 0 1' '^skipped +name +no judge' name ends 77 'no judge'
expect '0 1 0' '^FAILED' name ends 1 "$lack"
expect '1 0 0' '^ok' name ends 0 "$lack"
expect '1 0 0' '^ok' name with 'one two' ends 0 'all well'
expect '0 1 0' '^FAILED' name with 'one two' ends 3 'wrong'
expect '0 0 1' "^skipped +name +$lack" name with 'one lacking' ends 0 'all well'
expect '0 1 0' 'the build failed' name with 'broken lacking' ends 0 'all well'
expect '0 1 0' '^FAILED' name with 'one' ends 1 "$lack"
echo "$good passed, $bad failed"
[ $bad -eq 0 ]
