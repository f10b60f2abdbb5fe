# shellcheck shell=bash
# initrd.sh: initial file systems, each an uncompressed newc cpio: no boot pays for inflation.

# initrd_pack TREE FILE: the same bytes from the same tree. No device nodes are needed: the kernel's
# own first file system has /dev/console, and /init mounts devtmpfs.
initrd_pack() {
    mkdir -p "$1/dev" "$1/proc" "$1/sys" "$1/tmp" "$1/root"
    find "$1" -exec touch -h -d @0 {} +
    (cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
        cpio -o -H newc --reproducible -R 0:0 --quiet) >"$2"
}

# initrd_klibc_tree FOLDER: Debian's klibc programs and ours, in FOLDER/tree.
initrd_klibc_tree() {
    local deb=$1/deb tree=$1/tree file
    mkdir -p "$deb" "$tree/bin" "$tree/lib"
    deb_unpack klibc-utils:i386 "$deb"
    deb_unpack libklibc:i386 "$deb"
    cp "$deb"/usr/lib/klibc/bin/* "$tree/bin/"
    cp "$deb"/lib/klibc-*.so "$tree/lib/"
    initrd_ours "$tree"
    for file in "$tree"/bin/* "$tree"/lib/*; do
        pentium_check "$file"
    done
    rm -rf "$deb"
}

initrd_klibc_build() {
    initrd_klibc_tree "$1"
    initrd_pack "$1/tree" "$1/initrd-klibc"
    rm -rf "$1/tree"
}

initrd_bench_build() {
    local program
    initrd_klibc_tree "$1"
    for program in $suite_programs; do
        cp "$bench_folder/$program" "$1/tree/bin/"
    done
    initrd_pack "$1/tree" "$1/initrd-bench"
    rm -rf "$1/tree"
}

# initrd_ours TREE: /init and our own programs.
initrd_ours() {
    local program
    for program in $bench_programs; do
        cp "$bench_folder/$program" "$1/bin/"
    done
    install -m 755 "$here/native/init" "$1/init"
}

# initrd_klibc: the folder with initrd-klibc: Debian's unmodified klibc programs, and ours.
initrd_klibc() {
    local inputs
    need cpio objdump
    bench_folder=$(bench)
    inputs=$(deb_id klibc-utils:i386 && deb_id libklibc:i386 && initrd_inputs)
    artefact initrd-klibc initrd_klibc_build "$inputs"
}

# initrd_bench: the folder with initrd-bench: the same, and the benchmarks.
initrd_bench() {
    local inputs
    need cpio objdump
    bench_folder=$(bench)
    inputs=$(deb_id klibc-utils:i386 && deb_id libklibc:i386 && initrd_inputs)
    artefact initrd-bench initrd_bench_build "$inputs"
}

# initrd_inputs: what all initrds depend on.
initrd_inputs() {
    printf 'bench %s\n' "${bench_folder##*/}"
    hash_files "$here/native/init" && hash_recipe "$here/native/initrd.sh"
}

# initrd_applets TREE: links in /bin to its busybox from the names on stdin. Busybox's poweroff and
# its kin signal an init that listens; ours is a shell script, so its functions give them -f.
initrd_applets() {
    local name
    mkdir -p "$1/etc"
    while read -r name; do
        case $name in
        busybox | init) continue ;;
        poweroff | reboot | halt) echo "$name() { busybox $name -f; }" >>"$1/etc/shrc" ;;
        esac
        ln -s busybox "$1/bin/$name"
    done
}

initrd_busybox_build() {
    local tree=$1/tree
    mkdir -p "$tree/bin"
    install -m 755 "$busybox_folder/busybox" "$tree/bin/busybox"
    initrd_applets "$tree" <"$busybox_folder/applets"
    initrd_ours "$tree"
    initrd_pack "$tree" "$1/initrd-busybox"
    rm -rf "$tree"
}

# initrd_busybox: the folder with initrd-busybox: our busybox for a Pentium.
initrd_busybox() {
    local inputs
    need cpio
    bench_folder=$(bench)
    busybox_folder=$(busybox)
    inputs=$(printf 'busybox %s\n' "${busybox_folder##*/}" && initrd_inputs)
    artefact initrd-busybox initrd_busybox_build "$inputs"
}

# Applets of Debian's busybox-static that the initrd has links to; `busybox NAME` runs the others.
static_applets="ash awk cat cp cut date dd df dmesg echo expr false find free grep gunzip gzip halt
head hostname id ifconfig kill ln ls md5sum mkdir mknod mount mv ping poweroff ps pwd reboot rm sed
seq sh sleep sort stty sync tail tar time touch tr true umount uname wc"

initrd_busybox_static_build() {
    local deb=$1/deb tree=$1/tree
    mkdir -p "$deb" "$tree/bin"
    deb_unpack busybox-static:i386 "$deb"
    cp "$deb/bin/busybox" "$tree/bin/"
    # shellcheck disable=SC2086 # names are words
    printf '%s\n' $static_applets | initrd_applets "$tree"
    initrd_ours "$tree"
    initrd_pack "$tree" "$1/initrd-busybox-static"
    rm -rf "$deb" "$tree"
}

# initrd_busybox_static: the folder with initrd-busybox-static: Debian's unmodified one, which needs CMOV.
initrd_busybox_static() {
    local inputs
    need cpio
    bench_folder=$(bench)
    inputs=$(deb_id busybox-static:i386 && initrd_inputs)
    artefact initrd-busybox-static initrd_busybox_static_build "$inputs"
}
