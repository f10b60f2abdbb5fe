# shellcheck shell=bash
# programs.sh: an initrd with busybox and programs that test Linux's processes from within; torture
# runs them all.

torture_programs="tls x87 faults trace net storm"

initrd_torture_build() {
    local tree=$1/tree program
    mkdir -p "$tree/bin"
    install -m 755 "$busybox_folder/busybox" "$tree/bin/busybox"
    initrd_applets "$tree" <"$busybox_folder/applets"
    initrd_ours "$tree"
    install -m 755 "$here/linux/tests/torture" "$tree/bin/torture"
    sed "s|@MUSL@|$musl_folder|g" "$musl_folder/lib/musl.specs" >"$1/musl.specs"
    for program in $torture_programs; do
        # shellcheck disable=SC2086 # flags are words
        gcc -m32 -specs="$1/musl.specs" $pentium_flags -no-pie -std=gnu11 -D_GNU_SOURCE -O2 -s \
            -Wall -Wextra -Werror -ffile-prefix-map="$here/=" -o "$tree/bin/$program" \
            "$here/linux/tests/$program.c"
        pentium_check "$tree/bin/$program"
    done
    initrd_pack "$tree" "$1/initrd-torture"
    rm -rf "$tree" "$1/musl.specs"
}

# initrd_torture: the folder with initrd-torture.
initrd_torture() {
    local inputs
    need cpio gcc objdump
    bench_folder=$(bench)
    busybox_folder=$(busybox)
    musl_folder=$(musl)
    inputs=$(printf 'busybox %s\nmusl %s\n' "${busybox_folder##*/}" "${musl_folder##*/}" &&
        hash_files "$here"/linux/tests/* && initrd_inputs)
    artefact initrd-torture initrd_torture_build "$inputs"
}
