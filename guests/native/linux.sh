# shellcheck shell=bash
# linux.sh: Linux from Debian's linux-source package: the steps of every build of it, and the native
# one for a plain Pentium. linux_l4.sh and selftests/kernels.sh take the same steps.

linux_release=6.1

linux_source_build() {
    local tar
    deb_unpack "linux-source-$linux_release" "$1"
    tar=$(echo "$1"/usr/src/linux-source-*.tar.xz)
    tar -C "$1" --strip-components=1 -xJf "$tar"
    rm -rf "$1/usr/src" "$1/usr/share"
}

# linux_source: the unpacked source tree (1.4 GB). It is shared: build with O=, never write in it.
linux_source() {
    local inputs
    need xz tar
    inputs=$(deb_id "linux-source-$linux_release")
    artefact "linux-source-$linux_release" linux_source_build "$inputs"
}

# linux_inputs FRAGMENT...: what every kernel from this source depends on, as text for artefact.
linux_inputs() {
    need make gcc flex bison bc xz objdump
    deb_id "linux-source-$linux_release" && compiler_id && hash_files "$@" &&
        hash_recipe "$here/native/linux.sh"
}

# linux_make SOURCE OBJECTS ARGUMENT...: time, user and host are fixed so that two builds are equal.
linux_make() {
    local source=$1 objects=$2
    shift 2
    KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_USER=isochron \
        KBUILD_BUILD_HOST=isochron KBUILD_BUILD_VERSION=1 LC_ALL=C \
        make -C "$source" O="$objects" -j"$(nproc)" "$@"
}

# linux_build SOURCE FOLDER FRAGMENT TARGET VARIABLE=VALUE...: makes TARGET with the options of
# FRAGMENT and no others. FOLDER gets vmlinux, System.map and config; its folder objects is left to
# the caller.
linux_build() {
    local source=$1 folder=$2 objects=$2/objects fragment=$3 target=$4
    shift 4
    mkdir "$objects"
    linux_make "$source" "$objects" "$@" KCONFIG_ALLCONFIG="$fragment" allnoconfig
    linux_make "$source" "$objects" "$@" "$target"
    linux_check "$objects/vmlinux"
    mv "$objects/vmlinux" "$objects/System.map" "$folder"
    cp "$objects/.config" "$folder/config"
}

# linux_check VMLINUX: the kernel holds later instructions behind feature tests (FXSAVE, RDTSCP) and
# as alternatives; what a compiler or an assembler would scatter everywhere must not be there.
linux_check() {
    local bad
    bad=$(objdump -d -j .text -j .init.text "$1" | grep -cE $'\t(cmov|endbr|nopl |nopw )' || true)
    [ "$bad" -eq 0 ] || die "vmlinux has $bad instructions that a Pentium lacks"
}

linux_native_build() {
    linux_build "$linux_tree" "$1" "$here/native/native.frag" bzImage ARCH=i386
    mv "$1/objects/arch/x86/boot/bzImage" "$1"
    rm -rf "$1/objects"
}

# linux_native: the folder with vmlinux, bzImage, System.map and config.
linux_native() {
    local inputs
    inputs=$(linux_inputs "$here/native/native.frag")
    linux_tree=$(linux_source)
    artefact linux-pentium linux_native_build "$inputs"
}
