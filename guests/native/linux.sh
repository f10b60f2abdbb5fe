# shellcheck shell=bash
# linux.sh: native Linux for a plain Pentium, from Debian's linux-source package.

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

# linux_make SOURCE OBJECTS TARGET...: time, user and host are fixed so that two builds are equal.
linux_make() {
    local source=$1 objects=$2
    shift 2
    KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_USER=isochron \
        KBUILD_BUILD_HOST=isochron KBUILD_BUILD_VERSION=1 LC_ALL=C \
        make -C "$source" O="$objects" ARCH=i386 -j"$(nproc)" "$@"
}

linux_native_build() {
    local objects=$1/objects
    mkdir "$objects"
    linux_make "$linux_tree" "$objects" KCONFIG_ALLCONFIG="$here/native/native.frag" allnoconfig
    linux_make "$linux_tree" "$objects" vmlinux bzImage
    linux_check "$objects/vmlinux"
    mv "$objects/vmlinux" "$objects/System.map" "$1"
    mv "$objects/arch/x86/boot/bzImage" "$1"
    mv "$objects/.config" "$1/config"
    rm -rf "$objects"
}

# linux_check VMLINUX: the kernel holds later instructions behind feature tests (FXSAVE, RDTSCP) and
# as alternatives; what a compiler or an assembler would scatter everywhere must not be there.
linux_check() {
    local bad
    bad=$(objdump -d -j .text -j .init.text "$1" | grep -cE $'\t(cmov|endbr|nopl |nopw )' || true)
    [ "$bad" -eq 0 ] || die "vmlinux has $bad instructions that a Pentium lacks"
}

# linux_native: the folder with vmlinux, bzImage, System.map and config.
linux_native() {
    local inputs
    need make gcc flex bison bc xz objdump
    inputs=$(deb_id "linux-source-$linux_release" && compiler_id &&
        hash_files "$here/native/native.frag" && hash_recipe "$here/native/linux.sh")
    linux_tree=$(linux_source)
    artefact linux-pentium linux_native_build "$inputs"
}
