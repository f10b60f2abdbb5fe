# shellcheck shell=bash
# selftests.sh: an initrd with Linux's own tests, unmodified, from the source that the kernels are built
# from, as static programs for a plain Pentium; and the program that runs them (run.c). `list` says which.

# What a test needs beside its own source: words for gcc, where @ is the folder of all tests.
selftest_needs() {
    case $1 in
    futex/*) echo "-I@ -I@/futex/include" ;;
    memfd/memfd_test) echo "@/memfd/common.c -D_FILE_OFFSET_BITS=64" ;;
    openat2/*) echo "@/openat2/helpers.c" ;;
    # musl's sys/prctl.h has all of linux/prctl.h.
    prctl/* | seccomp/*) echo "-D_LINUX_PRCTL_H" ;;
    sigaltstack/sas) echo "$here/linux/selftests/musl/contexts.c" ;;
    timers/mqueue-lat) echo "-include fcntl.h" ;;
    timers/set-timer-lat) echo "-include sys/time.h -include sys/select.h" ;;
    x86/ptrace_syscall) echo "@/x86/raw_syscall_helper_32.S" ;;
    esac
}

initrd_selftests_build() {
    local tree=$1/tree tests=$linux_tree/tools/testing/selftests program needs optimize
    mkdir -p "$tree/bin" "$tree/selftests"
    install -m 755 "$busybox_folder/busybox" "$tree/bin/busybox"
    initrd_applets "$tree" <"$busybox_folder/applets"
    initrd_ours "$tree"
    sed "s|@MUSL@|$musl_folder|g" "$musl_folder/lib/musl.specs" >"$1/musl.specs"
    selftest_cc="gcc -m32 -specs=$1/musl.specs $pentium_flags -no-pie -std=gnu11 -D_GNU_SOURCE -s"
    # shellcheck disable=SC2086 # flags are words
    $selftest_cc -O2 -Wall -Wextra -Werror -ffile-prefix-map="$here/=" -o "$tree/bin/selftests" \
        "$here/linux/selftests/run.c"
    pentium_check "$tree/bin/selftests"
    grep -v '^#' "$here/linux/selftests/list" >"$tree/selftests/list"
    awk '{ print $3 }' "$tree/selftests/list" | sort -u >"$1/programs"
    while read -r program; do
        mkdir -p "$tree/selftests/${program%/*}"
        needs=$(selftest_needs "$program")
        # As much optimized as its Makefile says: tests count on loads and stores that do nothing.
        optimize=$(sed -n 's/^CFLAGS.* \(-O[0-3]\).*/\1/p' "$tests/${program%/*}/Makefile" | tail -n 1)
        # shellcheck disable=SC2086 # flags are words
        $selftest_cc -w -I"$here/linux/selftests/musl" -include names.h -ffile-prefix-map="$tests/=" \
            $optimize -o "$tree/selftests/$program" "$tests/$program.c" ${needs//@/$tests}
    done <"$1/programs"
    initrd_pack "$tree" "$1/initrd-selftests"
    rm -rf "$tree" "$1/musl.specs" "$1/programs"
}

# initrd_selftests: the folder with initrd-selftests.
initrd_selftests() {
    local inputs
    need cpio gcc objdump
    bench_folder=$(bench)
    busybox_folder=$(busybox)
    musl_folder=$(musl)
    linux_tree=$(linux_source)
    inputs=$(printf 'busybox %s\nmusl %s\nlinux %s\n' "${busybox_folder##*/}" "${musl_folder##*/}" "${linux_tree##*/}" &&
        hash_files "$here"/linux/selftests/{list,run.c,musl/*.[ch],musl/sys/*.h} &&
        hash_recipe "$here/linux/selftests/selftests.sh" && initrd_inputs)
    artefact initrd-selftests initrd_selftests_build "$inputs"
}
