# shellcheck shell=bash
# checks.sh: how ./test runs a test and counts it: passed with exit 0, skipped with 77, else failed.

passed=0 failed=0 skipped=0

# check NAME COMMAND...: one test. Exit 77 is a skip whose reason is the last line of output.
check() {
    local name=$1 log status began=$SECONDS
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    case $status in
    0) passed=$((passed + 1)) && printf 'ok      %-34s %4ds  %s\n' "$name" $((SECONDS - began)) "$(tail -n 1 "$log" | cut -c1-70)" ;;
    77) skip "$name" "$(tail -n 1 "$log")" ;;
    *)
        failed=$((failed + 1))
        printf 'FAILED  %-34s %4ds  (exit %d)\n' "$name" $((SECONDS - began)) "$status"
        tail -n 40 "$log" | sed 's/^/    /'
        ;;
    esac
    rm -f "$log"
}

# skip NAME REASON
skip() {
    skipped=$((skipped + 1))
    printf 'skipped %-34s %s\n' "$1" "$2"
}

# with 'IMAGE...' COMMAND...: a test that boots these, for check. guests/images ends with 77 where one cannot
# be had; from then on nothing but the test's own 77 is a skip, so that no failure hides behind a lack.
with() {
    local image
    for image in $1; do
        guests/images "$image" >/dev/null || return
    done
    shift
    "$@"
}
