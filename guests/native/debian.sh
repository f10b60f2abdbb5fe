# shellcheck shell=bash
# debian.sh: kernels that run exactly as Debian ships them.

# linux_686_package: the kernel that the metapackage linux-image-686 stands for now.
linux_686_package() {
    deb_depends linux-image-686:i386 | sed -n 's/^\(linux-image-[^ ]*-686\) .*/\1/p'
}

linux_686_build() {
    local deb=$1/deb
    mkdir "$deb"
    deb_unpack "$linux_686:i386" "$deb"
    cp "$deb"/boot/vmlinuz-* "$1/vmlinuz-686"
    cp "$deb"/boot/config-* "$1/config"
    rm -rf "$deb"
}

# linux_686: the folder with vmlinuz-686, Debian's unmodified kernel; it needs CMOV.
linux_686() {
    local inputs
    linux_686=$(linux_686_package)
    [ -n "$linux_686" ] || die "linux-image-686:i386 names no kernel package"
    inputs=$(deb_id "$linux_686:i386" && hash_recipe "$here/native/debian.sh")
    artefact linux-686 linux_686_build "$inputs"
}

gnumach_build() {
    local deb=$1/deb
    mkdir "$deb"
    deb_unpack gnumach-image-1.8-486:i386 "$deb"
    gunzip -c "$deb"/boot/gnumach-1.8-486.gz >"$1/gnumach"
    rm -rf "$deb"
}

# gnumach: the folder with gnumach, Debian's unmodified Mach (a multiboot ELF, unzipped). In spite
# of its package's name it needs a processor with CMOV.
gnumach() {
    local inputs
    inputs=$(deb_id gnumach-image-1.8-486:i386 && hash_recipe "$here/native/debian.sh")
    artefact gnumach-486 gnumach_build "$inputs"
}
