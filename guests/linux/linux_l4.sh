# shellcheck shell=bash
# linux_l4.sh: user-mode Linux, as a server on the L4 kernel with guests/linux/os-L4 as its host
# layer; and once more for the bare machine, where the layer stands on guests/linux/os-bare. It is
# built by the steps of native/linux.sh, from a tree of its own.

# What make is told of both; OS= and LINK-y= with the entry follow.
linux_um=(ARCH=um SUBARCH=i386 START=0x1000000 LINK_WRAPS=)
linux_um_link='LINK-y=-m32 -static -nostdlib -no-pie -Wl,-e'

# The tree has all files of the source by other names, which costs no space; what is changed is
# replaced, so that the source stays as it is. os-bare has os-L4's files and its own.
linux_l4_tree() {
    local tree=$1 layer=$1/arch/um/os-L4 os
    cp -al "$linux_tree" "$tree"
    patch -s -d "$tree" -p1 <"$here/linux/linux.patch"
    mkdir -p "$layer"
    cp "$here"/linux/os-L4/* "$here/lib/boot.c" "$here/native/div64.c" "$layer"
    cp -r "$here/lib/include/l4" "$layer/l4"
    cp -r "$layer" "$tree/arch/um/os-bare"
    cp -r "$here"/linux/os-bare/* "$tree/arch/um/os-bare"
    cp "$here"/linux/include/asm/* "$tree/arch/um/include/asm"
    for os in L4 bare; do
        mkdir -p "$tree/arch/x86/um/os-$os"
        echo 'obj-y =' >"$tree/arch/x86/um/os-$os/Makefile"
        cat >"$tree/arch/um/Makefile-os-$os" <<END
USER_CFLAGS += -D_GNU_SOURCE -D_LARGEFILE64_SOURCE -I\$(srctree)/\$(ARCH_DIR)/os-$os
KBUILD_CFLAGS += -D_LARGEFILE64_SOURCE -ffunction-sections
END
    done
}

# linux_l4_build_with FRAGMENT FOLDER: the folder gets vmlinux, System.map and config, and keeps tree
# and objects.
linux_l4_build_with() {
    linux_l4_tree "$2/tree"
    linux_build "$2/tree" "$2" "$1" vmlinux "${linux_um[@]}" OS=L4 "$linux_um_link,_start"
}

# For the bare machine all but the host layer is there already.
linux_l4_build() {
    linux_l4_build_with "$here/linux/um.frag" "$1"
    linux_make "$1/tree" "$1/objects" "${linux_um[@]}" OS=bare "$linux_um_link,standin_start" vmlinux
    linux_check "$1/objects/vmlinux"
    mv "$1/objects/vmlinux" "$1/linux-bare"
    rm -rf "$1/objects" "$1/tree"
}

# linux_l4_inputs FRAGMENT...
linux_l4_inputs() {
    need patch
    linux_inputs "$@" &&
        hash_files "$here"/linux/linux.patch "$here"/linux/os-L4/* "$here"/linux/os-bare/*.* \
            "$here"/linux/os-bare/Makefile "$here"/linux/os-bare/l4/* "$here"/linux/include/asm/* \
            "$here"/lib/boot.c "$here"/native/div64.c "$here"/lib/include/l4/*.h &&
        hash_recipe "$here/linux/linux_l4.sh"
}

# linux_l4: the folder with vmlinux, System.map and config; and linux-bare.
linux_l4() {
    local inputs
    inputs=$(linux_l4_inputs "$here/linux/um.frag")
    linux_tree=$(linux_source)
    artefact linux-l4 linux_l4_build "$inputs"
}
