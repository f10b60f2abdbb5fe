# shellcheck shell=bash
# setup: sourced by ./test and ./demo. Installs missing Debian packages and builds a preset.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ISOCHRON_ROOT=$root

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$0: $*"
    exit 1
}

# Package names in the given lists that are not installed.
missing_packages() {
    local name
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | sort -u | while read -r name; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed' ||
            echo "$name"
    done
}

# Installs what the lists name. Without root and without sudo: says what to install, and stops.
install_packages() {
    local names as=()
    command -v dpkg-query >/dev/null || die "this is not Debian: install the packages of packages.txt"
    mapfile -t names < <(missing_packages "$@")
    [ ${#names[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "please install as root: ${names[*]}"
        as=(sudo)
    fi
    say "installing ${#names[@]} Debian packages: ${names[*]}"
    "${as[@]}" apt-get update -q >/dev/null || say "apt-get update failed; trying with the lists there are"
    DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y -q --no-install-recommends \
        "${names[@]}" >/dev/null || die "apt-get could not install: ${names[*]}"
}

# build PRESET [TARGET...]: configures and builds a CMake preset; quiet unless it fails.
build() {
    local preset=$1 log
    shift
    log=$(mktemp)
    say "building $preset"
    if ! { (cd "$root" && cmake --preset "$preset" && ninja -C "build/$preset" "$@") >"$log" 2>&1; }; then
        tail -n 60 "$log" >&2
        rm -f "$log"
        die "the $preset build failed"
    fi
    rm -f "$log"
}
