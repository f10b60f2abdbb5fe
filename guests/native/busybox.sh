# shellcheck shell=bash
# busybox.sh: a static busybox for a plain Pentium, from Debian's source package and our own musl:
# Debian's busybox-static is i686 code (CMOV).

# busybox_configure SOURCE OBJECTS: all options off but those of busybox.frag. Debian's busybox has
# an allnoconfig that forgets KCONFIG_ALLCONFIG, so every option gets its line in .config.
busybox_configure() {
    local frag=$here/native/busybox.frag
    make -C "$1" O="$2" allnoconfig >/dev/null
    {
        find "$1" "$2" -name Config.in -exec sed -n 's/^[ \t]*config \([A-Z0-9_]*\)$/\1/p' {} + |
            sort -u | while read -r name; do
            grep -qx "CONFIG_$name=y" "$frag" || echo "# CONFIG_$name is not set"
        done
        grep -v '^#' "$frag"
    } >"$2/config.new"
    mv "$2/config.new" "$2/.config"
    # Empty answers: the defaults of numbers and strings. `yes` ends by SIGPIPE, hence `|| true`.
    (yes '' || true) | make -C "$1" O="$2" oldconfig >/dev/null
    if grep -v '^#' "$frag" | grep -vxFf "$2/.config"; then
        echo "these options of busybox.frag were refused"
        return 1
    fi
}

busybox_build() {
    local work=$1/work
    export SOURCE_DATE_EPOCH=0
    mkdir -p "$work/objects"
    src_unpack busybox "$work/busybox"
    sed "s|@MUSL@|$musl_folder|g" "$musl_folder/lib/musl.specs" >"$work/musl.specs"
    busybox_configure "$work/busybox" "$work/objects"
    make -C "$work/busybox" O="$work/objects" \
        SKIP_STRIP=y CC="gcc -m32 -specs=$work/musl.specs" HOSTCC=gcc \
        EXTRA_CFLAGS="$pentium_flags -ffile-prefix-map=$work/=" EXTRA_LDFLAGS="-m32 -no-pie" \
        -j"$(nproc)" busybox
    pentium_check "$work/objects/busybox"
    strip -s -o "$1/busybox" "$work/objects/busybox"
    busybox_applets "$work/objects/include/applet_tables.h" >"$1/applets"
    cp "$work/objects/.config" "$1/config"
    rm -rf "$work"
}

# busybox_applets HEADER: the names of the applets, one a line.
busybox_applets() {
    sed -n '/applet_names\[\]/,/;/s/^"\([^"]*\)" "\\0".*/\1/p' "$1" | grep .
}

# busybox: the folder with busybox, and the list of its applets.
busybox() {
    local inputs
    need make gcc bzip2 objdump
    musl_folder=$(musl)
    inputs=$(src_id busybox && printf 'musl %s\n' "${musl_folder##*/}" &&
        hash_files "$here/native/busybox.frag" && hash_recipe "$here/native/busybox.sh")
    artefact busybox-pentium busybox_build "$inputs"
}
