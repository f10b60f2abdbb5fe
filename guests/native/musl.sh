# shellcheck shell=bash
# musl.sh: a C library for programs that a plain Pentium can run, from Debian's source package (the
# binary one is i686 code). libgcc is left out: its 64-bit division begins with endbr32, as do the
# crtbegin files; div64.c takes its place. Linux's headers are beside musl's.

pentium_flags="-march=i586 -mtune=pentium -fcf-protection=none -fno-stack-protector -fno-pie"

musl_build() {
    local work=$1/work flags
    mkdir "$work"
    src_unpack musl "$work/musl"
    linux_make "$linux_tree" "$work/headers" ARCH=i386 headers_install INSTALL_HDR_PATH="$1" >/dev/null
    flags="-Os -m32 $pentium_flags"
    # shellcheck disable=SC2086 # flags are words
    (cd "$work/musl" &&
        ./configure --target=i386 --disable-shared --disable-wrapper --prefix="$1" \
            CC=gcc CROSS_COMPILE=' ' CFLAGS="$flags -ffile-prefix-map=$work/=" LDFLAGS=-m32 &&
        make -j"$(nproc)" AR=ar RANLIB=ranlib install &&
        gcc $flags -Wall -Werror -ffreestanding -c -o div64.o "$here/native/div64.c" &&
        ar rcsD "$1/lib/libgcc.a" div64.o)
    musl_division_check "$work" "$work/musl/div64.o"
    # gcc as a compiler for this musl; busybox_build puts the folder's path where @MUSL@ stands.
    cat >"$1/lib/musl.specs" <<END
%rename cpp_options gcc_cpp_options

*cpp_options:
-nostdinc -isystem @MUSL@/include -isystem include%s %(gcc_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem @MUSL@/include -isystem include%s

*link_libgcc:
-L@MUSL@/lib

*libgcc:
@MUSL@/lib/libgcc.a

*startfile:
@MUSL@/lib/crt1.o @MUSL@/lib/crti.o

*endfile:
@MUSL@/lib/crtn.o

*link:
-m elf_i386 -static -nostdlib --build-id=none

END
    rm -rf "$work"
}

# musl_division_check WORK OBJECT: our division against the processor's own 64-bit one.
musl_division_check() {
    gcc -O2 -o "$1/wide" "$here/native/div64_test.c"
    gcc -O2 -m32 -o "$1/narrow" "$here/native/div64_test.c" "$2"
    if ! "$1/narrow" >"$1/got"; then
        echo "this machine cannot run IA-32 programs: div64.c was not tested"
        return 0
    fi
    "$1/wide" | cmp - "$1/got"
}

# musl: the folder with include (Linux's headers too) and lib.
musl() {
    local inputs
    need make gcc ar dpkg-source rsync
    inputs=$(src_id musl && deb_id "linux-source-$linux_release" && compiler_id &&
        hash_files "$here"/native/div64*.c && hash_recipe "$here/native/musl.sh")
    linux_tree=$(linux_source)
    artefact musl-pentium musl_build "$inputs"
}
