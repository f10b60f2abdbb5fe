# shellcheck shell=bash
# bench.sh: our own small freestanding programs, static and for a plain Pentium.

# Programs for Linux, which all initrds hold; the benchmarks, in an initrd of their own (README.md);
# and programs for Mach, each a multiboot module.
bench_programs="getpid_loop compute"
suite_programs="lat_syscall lat_proc lat_sig lat_mm lat_ipc bw_mem lat_ctx lat_mem"
mach_programs="mach_traps"

bench_build() {
    local program
    for program in $bench_programs $suite_programs $mach_programs; do
        gcc -m32 -march=i586 -mtune=pentium -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding \
            -fno-pic -no-pie -fcf-protection=none -fno-stack-protector -fno-builtin \
            -fno-asynchronous-unwind-tables -nostdlib -static -Wl,--build-id=none \
            -ffile-prefix-map="$here/=" -o "$1/$program" \
            "$here/bench/start.S" "$here/bench/$program.c"
        pentium_check "$1/$program"
    done
}

# bench: the folder with the programs.
bench() {
    local inputs
    need gcc objdump
    inputs=$(compiler_id && hash_files "$here"/bench/*.[chS] && hash_recipe "$here/bench/bench.sh")
    artefact bench bench_build "$inputs"
}
