# shellcheck shell=bash
# lib.sh: the cache that every guest image lives in. Sourced by guests/images and by the recipes.
#
# An artefact is a folder <cache>/<name>-<key>. The key is a SHA-256 prefix over the text that
# determines the artefact (packages with versions and hashes, configuration, compiler, recipe). That
# text is kept in the folder as `inputs`. The folder is filled under another name and renamed, so it
# is complete or absent; two builders of the same artefact wait for each other.

shopt -s inherit_errexit
umask 022

cache_root="${ISOCHRON_CACHE:-$HOME/.cache/isochron}"

die() {
    printf 'guests: %s\n' "$*" >&2
    exit 1
}

# lacking TEXT: what others publish cannot be fetched. ./test skips what needs it, by the exit code.
lacking() {
    printf 'guests: cannot be had: %s\n' "$*" >&2
    exit 77
}

say() {
    printf 'guests: %s\n' "$*" >&2
}

# need PROGRAM...: stops if a tool is missing, naming the file that lists what to install.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null ||
            die "'$program' is not installed; guests/packages.txt lists what the images need"
    done
}

# hash_files FILE...: one line per file for an `inputs` text: base name and SHA-256.
hash_files() {
    local file sum
    for file in "$@"; do
        sum=$(sha256sum <"$file") || die "cannot read $file"
        printf 'file %s %s\n' "${file##*/}" "${sum%% *}"
    done
}

# hash_recipe SCRIPT...: the same for scripts, whose comments build nothing.
hash_recipe() {
    local file sum
    for file in "$@"; do
        sum=$(grep -v '^ *#' "$file" | sha256sum) || die "cannot read $file"
        printf 'recipe %s %s\n' "${file##*/}" "${sum%% *}"
    done
}

# compiler_id: what stands for the compiler and the linker in an `inputs` text.
compiler_id() {
    printf 'compiler %s\n' "$(gcc --version | sed -n 1p)"
    printf 'linker %s\n' "$(ld --version | sed -n 1p)"
}

# pentium_check FILE [SECTION]: stops if a program holds an instruction that a Pentium without MMX
# lacks. Disassembles everything, so data in the text section must not look like one.
pentium_check() {
    local bad
    bad=$(objdump -d "$1" -M intel --no-show-raw-insn | awk -F '\t' '
        $2 ~ /^(cmov|fcmov|fu?comip?|endbr|nop[ lw]+ *[A-Z]|sysenter|syscall|rdtscp|prefetch)/ ||
        $2 ~ /^(fx(save|rstor)|(ld|st)mxcsr|emms|[lms]fence|fisttp)/ ||
        $2 ~ /[, ][xy]?mm[0-7]/ {
            if (count++ < 3) print $0 }
        END { if (count) print count " instructions that a Pentium lacks" }')
    [ -z "$bad" ] || die "${1##*/}: $bad"
}

# artefact NAME BUILD INPUTS: prints the folder's path. If it is not there yet, runs `BUILD DIR`
# with DIR a new folder on the same file system. What BUILD prints goes to a log, of which the end
# is shown if it fails.
artefact() {
    local name=$1 build=$2 inputs=$3 key folder work log started status lock=
    key=$(printf '%s\n' "$inputs" | sha256sum | cut -c 1-16)
    folder=$cache_root/$name-$key
    if [ ! -d "$folder" ]; then
        mkdir -p "$cache_root/.work"
        exec {lock}>"$cache_root/.work/$name-$key.lock"
        flock "$lock"
    fi
    if [ ! -d "$folder" ]; then
        started=$SECONDS
        say "$name: building (log: $cache_root/.work/$name-$key.log)"
        rm -rf "$cache_root/.work/$name-$key".?????? # what an interrupted build left
        work=$(mktemp -d "$cache_root/.work/$name-$key.XXXXXX")
        log=$cache_root/.work/$name-$key.log
        status=0
        # A subshell of its own, waited for: `if build` would switch `set -e` off inside it.
        (set -euo pipefail; "$build" "$work") >"$log" 2>&1 </dev/null {lock}>&- &
        wait $! || status=$?
        if [ "$status" -ne 0 ]; then
            tail -n 15 "$log" >&2
            rm -rf "$work"
            [ "$status" -ne 77 ] || exit 77 # lacking
            die "$name: the build failed (log: $log)"
        fi
        printf '%s\n' "$inputs" >"$work/inputs"
        chmod 755 "$work"
        mv -T "$work" "$folder"
        rm -f "$log"
        say "$name: done in $((SECONDS - started)) s"
    fi
    [ -z "$lock" ] || exec {lock}>&-
    printf '%s\n' "$folder"
}
