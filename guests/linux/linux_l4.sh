# shellcheck shell=bash
# linux_l4.sh: Linux as a server on the L4 kernel: user-mode Linux from Debian's linux-source package
# with guests/linux/os-L4 as its host layer.

# The tree has all files of the source by other names, which costs no space; what is changed is
# replaced, so that the source stays as it is.
linux_l4_tree() {
    local tree=$1 layer
    cp -al "$linux_tree" "$tree"
    patch -s -d "$tree" -p1 <"$here/linux/linux.patch"
    layer=$tree/arch/um/os-L4
    mkdir -p "$layer" "$tree/arch/x86/um/os-L4"
    cp "$here"/linux/os-L4/* "$here/lib/boot.c" "$here/native/div64.c" "$layer"
    cp -r "$here/lib/include/l4" "$layer/l4"
    cp "$here"/linux/include/asm/* "$tree/arch/um/include/asm"
    echo 'obj-y =' >"$tree/arch/x86/um/os-L4/Makefile"
    cat >"$tree/arch/um/Makefile-os-L4" <<'END'
USER_CFLAGS += -D_GNU_SOURCE -D_LARGEFILE64_SOURCE -I$(srctree)/$(ARCH_DIR)/os-L4
KBUILD_CFLAGS += -D_LARGEFILE64_SOURCE -ffunction-sections
END
}

# linux_l4_make TREE OBJECTS TARGET...: time, user and host are fixed so that two builds are equal.
linux_l4_make() {
    local tree=$1 objects=$2
    shift 2
    KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_USER=isochron \
        KBUILD_BUILD_HOST=isochron KBUILD_BUILD_VERSION=1 LC_ALL=C \
        make -C "$tree" O="$objects" ARCH=um SUBARCH=i386 OS=L4 START=0x1000000 LINK_WRAPS= \
        'LINK-y=-m32 -static -nostdlib -no-pie' -j"$(nproc)" "$@"
}

linux_l4_build() {
    local tree=$1/tree objects=$1/objects
    mkdir "$objects"
    linux_l4_tree "$tree"
    linux_l4_make "$tree" "$objects" KCONFIG_ALLCONFIG="$here/linux/um.frag" allnoconfig
    linux_l4_make "$tree" "$objects" vmlinux
    linux_check "$objects/vmlinux"
    mv "$objects/vmlinux" "$objects/System.map" "$1"
    mv "$objects/.config" "$1/config"
    rm -rf "$objects" "$tree"
}

# linux_l4: the folder with vmlinux, System.map and config.
linux_l4() {
    local inputs
    need make gcc flex bison bc xz objdump patch
    inputs=$(deb_id "linux-source-$linux_release" && compiler_id &&
        hash_files "$here"/linux/um.frag "$here"/linux/linux.patch "$here"/linux/os-L4/* \
            "$here"/linux/include/asm/* "$here"/lib/boot.c "$here"/native/div64.c "$here"/lib/include/l4/*.h &&
        hash_recipe "$here/linux/linux_l4.sh")
    linux_tree=$(linux_source)
    artefact linux-l4 linux_l4_build "$inputs"
}
