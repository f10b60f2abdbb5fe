# shellcheck shell=bash
# kernels.sh: the two Linux 6.1 of native/linux.sh and linux_l4.sh once more, with what Linux's own
# selftests ask of a kernel (kernel.frag). Others measure those two, so they stay as they are.

# selftests_fragment FRAGMENT TO: that one and kernel.frag, which takes back some of what it leaves out.
selftests_fragment() {
    cat "$1" "$here/linux/selftests/kernel.frag" | sed '/^CONFIG_POSIX_MQUEUE=n$/d; /^CONFIG_MEMBARRIER=n$/d' >"$2"
}

selftests_native_build() {
    selftests_fragment "$here/native/native.frag" "$1/frag"
    linux_build "$linux_tree" "$1" "$1/frag" vmlinux ARCH=i386
    mv "$1/vmlinux" "$1/vmlinux-selftests"
    rm -rf "$1/objects"
}

# vmlinux_selftests: the folder with the native one.
vmlinux_selftests() {
    local inputs
    inputs=$(linux_inputs "$here/native/native.frag" "$here/linux/selftests/kernel.frag" &&
        hash_recipe "$here/linux/selftests/kernels.sh")
    linux_tree=$(linux_source)
    artefact vmlinux-selftests selftests_native_build "$inputs"
}

selftests_l4_build() {
    selftests_fragment "$here/linux/um.frag" "$1/frag"
    linux_l4_build_with "$1/frag" "$1"
    mv "$1/vmlinux" "$1/linux-l4-selftests"
    rm -rf "$1/objects" "$1/tree"
}

# linux_l4_selftests: the folder with the server.
linux_l4_selftests() {
    local inputs
    inputs=$(linux_l4_inputs "$here/linux/um.frag" "$here/linux/selftests/kernel.frag" &&
        hash_recipe "$here/linux/selftests/kernels.sh")
    linux_tree=$(linux_source)
    artefact linux-l4-selftests selftests_l4_build "$inputs"
}
