#!/usr/bin/env bash
# run.sh: the command line as a user meets it: help, mistakes, exit codes, what a run prints.
#
#   tests/cli/run.sh            tests build/release/isochron
#   ISOCHRON=PATH tests/cli/run.sh
#
# The guests are Multiboot kernels of a few instructions, assembled here. The last line is
# 'N passed, N failed'.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
isochron=$(realpath -m "${ISOCHRON:-$here/../../build/release/isochron}")
[ -x "$isochron" ] || {
    echo "run.sh: no $isochron; ./test builds it, ISOCHRON=PATH names another"
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

passed=0 failed=0

# --- asking ------------------------------------------------------------------------------------

# ask ARGUMENTS...: runs isochron; leaves $status, and its output in the files out and err.
ask() {
    timeout 60 "$isochron" "$@" >out 2>err </dev/null
    status=$?
}

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$1"
    printf '    status %s\n' "$status"
    head -n 5 err | sed 's/^/    err: /'
    head -n 5 out | sed 's/^/    out: /'
}
# holds NAME COMMAND...: the command succeeds.
holds() {
    if "${@:2}"; then ok; else bad "$1"; fi
}
# differs FILE FILE
differs() { ! cmp -s "$1" "$2"; }
# lacks FILE PATTERN
lacks() { ! grep -qE -e "$2" "$1"; }

# says NAME STATUS FILE PATTERN...: the last run ended so, and FILE has each pattern (grep -E).
says() {
    local name=$1 want=$2 file=$3 pattern
    shift 3
    [ "$status" = "$want" ] || {
        bad "$name: status $status, not $want"
        return
    }
    for pattern in "$@"; do
        grep -qE -e "$pattern" "$file" || {
            bad "$name: no '$pattern' in $file"
            return
        }
    done
    ok
}

# mistake PATTERN ARGUMENTS...: exit 2, nothing on stdout, exactly one line on stderr that matches.
mistake() {
    local pattern=$1
    shift
    ask "$@"
    if [ "$status" = 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] &&
        grep -qE -e "^isochron: .*$pattern" err; then
        ok
    else
        bad "isochron $*: not one line with '$pattern'"
    fi
}

# --- guests ------------------------------------------------------------------------------------

# guest NAME: assembles standard input behind a Multiboot header.
guest() {
    {
        echo '.text; .align 4; .long 0x1BADB002, 0, -0x1BADB002; .globl _start; _start:'
        cat
    } >"$1.s"
    if ! { as --32 -o "$1.o" "$1.s" &&
        ld -m elf_i386 -z noexecstack -Ttext 0x100000 -o "$1" "$1.o"; }; then
        echo "run.sh: cannot assemble $1 (binutils with elf_i386 is needed)"
        exit 1
    fi
}

# shellcheck disable=SC2016 # a dollar is an immediate
make_guests() {
    guest halt <<<'cli; hlt'
    guest spin <<<'1: jmp 1b'
    guest prompt <<<"mov \$'#', %al; mov \$0x3f8, %dx; out %al, %dx; 1: jmp 1b"
    guest quit <<<'mov $21, %eax; out %eax, $0xf4; cli; hlt'
    guest reset <<<'mov $0xFE, %al; out %al, $0x64; 1: jmp 1b'
    guest boom <<<'.globl boom; boom: ud2'
    guest clock_test <<<'mov $10, %al; out %al, $0x70; mov $0x30, %al; out %al, $0x71; hlt'
    guest echo_clock_test <<'S'
1:  mov $0x3fd, %dx
    in %dx, %al
    test $1, %al
    jz 1b
    mov $10, %al
    out %al, $0x70
    mov $0x30, %al
    out %al, $0x71
S
    guest nowhere <<<'mov $0x08000000, %eax; jmp *%eax'
    # Says a text on COM1; then on COM2, one character.
    guest hello <<'S'
    mov $text, %esi
1:  mov $0x3fd, %dx
2:  in %dx, %al
    test $0x20, %al
    jz 2b
    lodsb
    test %al, %al
    jz 3f
    mov $0x3f8, %dx
    out %al, %dx
    jmp 1b
3:  mov $'2', %al
    mov $0x2f8, %dx
    out %al, %dx
    mov $0x2fd, %dx
4:  in %dx, %al
    test $0x40, %al
    jz 4b
    cli
    hlt
text: .asciz "hello\nready\n"
S
    # Ends lines for ever.
    guest chatter <<'S'
1:  mov $0x3fd, %dx
2:  in %dx, %al
    test $0x20, %al
    jz 2b
    mov $0x3f8, %dx
    mov $10, %al
    out %al, %dx
    jmp 1b
S
    # Echoes COM1 until a full stop.
    guest echo <<'S'
1:  mov $0x3fd, %dx
2:  in %dx, %al
    test $1, %al
    jz 2b
    mov $0x3f8, %dx
    in %dx, %al
    out %al, %dx
    mov %al, %bl
    mov $0x3fd, %dx
3:  in %dx, %al
    test $0x40, %al
    jz 3b
    cmp $'.', %bl
    jne 1b
    cli
    hlt
S
    # Gates for INT 30h and #UD (the guest lies at 10000Ch); sets CR4.DE.
    guest traps <<'S'
    movw $back - _start + 12, gate30
    movw $0x10, gate30+6
    movw $skip - _start + 12, gate6
    movw $0x10, gate6+6
    lidt table
    mov $8, %eax
    mov %eax, %cr4
    int $0x30
    ud2
    mov $21, %al
    out %al, $0x80
    cli
    hlt
skip: addl $2, (%esp)
back: iret
    .align 8
idt: .fill 6, 8, 0
gate6: .word 0, 0x10, 0x8e00, 0
    .fill 41, 8, 0
gate30: .word 0, 0x10, 0x8e00, 0
idt_end:
table: .word idt_end - idt - 1
    .long idt
S
    # Tells the strings of its command line and of its first module, as the loader left them.
    guest strings <<'S'
    mov 16(%ebx), %esi
    call say
    mov 24(%ebx), %edi
    mov 8(%edi), %esi
    call say
    cli
    hlt
say: mov $0x3fd, %dx
2:  in %dx, %al
    test $0x20, %al
    jz 2b
    lodsb
    mov $0x3f8, %dx
    test %al, %al
    jz 3f
    out %al, %dx
    jmp say
3:  mov $10, %al
    out %al, %dx
4:  mov $0x3fd, %dx
    in %dx, %al
    test $0x40, %al
    jz 4b
    ret
S
    # A loop between two symbols.
    guest loop <<'S'
    mov $1000, %ecx
.globl again
again:
    add $1, %eax
    dec %ecx
    jnz again
    cli
    hlt
S
}

# --- the tests ---------------------------------------------------------------------------------

test_cycles() {
    local c=(cycles --asm)
    ask "${c[@]}" 'imul eax,eax' --unroll 120
    says 'cycles: the latency of IMUL' 0 out '^9.00 clocks a copy on p133$' ' imul +eax, eax +U +9 '
    ask "${c[@]}" 'add eax,1; add ebx,1' --json
    says 'cycles: two that pair' 0 out '"cycles": 1.0' '"paired": true' '"pipe": "V"'
    mistake "'ASM' or --file FILE is missing" cycles
    mistake "-asm wants a value: 'ASM'" cycles --asm
    mistake "no such instruction: .junk'" "${c[@]}" junk
    mistake "no such instruction: .junk'" "${c[@]}" nop --setup junk
    mistake 'refer to a symbol that is not known' "${c[@]}" 'mov eax,[nowhere]'
    mistake 'nosuch: No such file' cycles --file nosuch
    mistake "no machine 'p99'" "${c[@]}" nop --machine p99
    mistake '--machine i686: its model is flat' "${c[@]}" nop --machine i686
    mistake '-unroll 0: accepted is 1 to 100000' "${c[@]}" nop --unroll 0
    mistake '--set ways: no such key' "${c[@]}" nop --set ways=1
    mistake "'stray' is no option" "${c[@]}" nop stray
    ask "${c[@]}" 'fsin' --setup fld1
    says 'cycles: the FPU is initialised' 0 out ' clocks a copy on p133$' ' fsin '
    ask "${c[@]}" ud2
    says 'cycles of what raises an exception' 1 err 'raised exception 6'
    ask "${c[@]}" hlt
    says 'cycles of what halts' 1 err 'the instructions halt'
}

test_help() {
    local command option
    ask
    says 'no command: help' 0 out 'usage: isochron COMMAND' '^  run ' '^  machines ' '^  report '
    ask --help
    says 'isochron --help' 0 out 'usage: isochron COMMAND' 'exit codes'
    for command in $("$isochron" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        ask "$command" --help
        says "$command --help" 0 out "^usage: isochron $command"
        holds "$command --help fits a screen's width" lacks out '^.{92}'
        ask "$command" -h
        says "$command -h" 0 out "^usage: isochron $command"
        ask help "$command"
        says "help $command" 0 out "^usage: isochron $command"
    done
    ask run --help
    for option in kernel initrd append machine model set m device no-reboot serial serial-input \
        record-input nographic screen until-serial max-cycles fast-forward warmup symbols ledger \
        window window-json d s S gdb hash quiet help; do
        says "run --help names -$option" 0 out "^ *-$option( |\$)"
    done
    ask help
    sed -n '/^  [a-z]/{/^  isochron/!p}' out >commands
    holds 'every command stands in a column of its own' lacks commands '^  (.{10}[^ ]|.{11}[^ ])'
    mistake "no command 'nope'" nope
    mistake "no command 'nope'" help nope
    mistake "help: 'run' after 'run': accepted is one command" help run run
}

test_machines() {
    ask machines
    says 'machines' 0 out '^p133 ' '^p166 ' '^i686 ' '^k7-1400 ' '^a64-2200 '
    ask machines p133
    says 'machines p133' 0 out '^p133: ' 'l1d.ways +2 ' 'dtlb.entries +64 ' 'ram +67108864 '
    mistake "no machine 'p99'; accepted are p133" machines p99
    mistake "'p166' after 'p133'; accepted is one" machines p133 p166
    mistake 'no option --nope' machines --nope
}

test_option_mistakes() {
    local r=(run --model flat -m 4 -kernel halt) n=(run --model flat -kernel halt)
    mistake '-kernel FILE is missing' run
    mistake '-kernel wants a value: FILE' run -kernel
    mistake 'no option --nope; .*--help' "${r[@]}" --nope
    mistake 'quiet takes no value' "${r[@]}" --quiet=1
    mistake "'stray' is no option" "${r[@]}" stray
    mistake "no machine 'p99'; accepted are p133, p166, i686" "${r[@]}" --machine p99
    mistake '--model k9: accepted are flat and p5' run -kernel halt --model k9
    mistake '--model p5: accepted are flat and k8' run -kernel halt --machine a64-2200 --model p5
    mistake '--set flush_filter: no such key' "${r[@]}" --machine k7-1400 --set flush_filter=0
    mistake 'dtlb.ways=32: accepted are 1, 2, 4, 8 and all 64' "${r[@]}" --machine a64-2200 \
        --set dtlb.entries=64
    mistake '--set walk: no such key' "${r[@]}" --machine k7-1400 --set walk=3
    mistake '-m 0: accepted is 1M to 3G' "${n[@]}" -m 0
    mistake '-m 5000M: accepted is 1M to 3G' "${n[@]}" -m 5000M
    mistake '-m much: expected a number' "${n[@]}" -m much
    mistake '-m -1: expected a number' "${n[@]}" -m -1
    mistake 'no whole number of megabytes' "${n[@]}" -m 4097K
    mistake 'do not fit into 1 MB of memory' "${n[@]}" -m 1
    mistake '-max-cycles soon: expected a number' "${r[@]}" --max-cycles soon
    mistake '-max-cycles 99999999999G: expected a number' "${r[@]}" --max-cycles 99999999999G
    mistake '--gdb 99999: a port is at most 65535' "${r[@]}" --gdb 99999
    mistake "--gdb here: 'here' is no port; accepted are PORT, :PORT, tcp::PORT and unix:PATH" \
        "${r[@]}" --gdb here
    mistake "--gdb tcp::: '' is no port" "${r[@]}" -gdb tcp::
    mistake "only this host's own address" "${r[@]}" -gdb tcp:10.0.0.1:1234
    mistake 'only server=on and wait=off' "${r[@]}" -gdb unix:s,wait=on
    mistake 'a Unix socket.s path has 1 to 107 bytes' "${r[@]}" -gdb unix:
    mistake '--gdb unix:nosuch/s: No such file' "${r[@]}" -gdb unix:nosuch/s
    mistake '-smp 2: accepted is only 1' "${r[@]}" -smp 2
    mistake '-display gtk: accepted is only none' "${r[@]}" -display gtk
    mistake '-d foo: accepted are int, io, cr and exceptions' "${r[@]}" -d foo
    mistake '-d int,foo: accepted' "${r[@]}" -d int,foo
}

test_set_mistakes() {
    local r=(run --model flat -m 4 -kernel halt)
    mistake '--set wants|-set wants a value: KEY=VALUE' "${r[@]}" --set
    mistake '--set ways: expected KEY=VALUE' "${r[@]}" --set ways
    mistake '--set ways: no such key; .isochron machines p133. lists them' "${r[@]}" --set ways=1
    mistake 'isochron machines p166' "${r[@]}" --set ways=1 --machine p166
    mistake "--set l1d.ways: 'many' is not a number" "${r[@]}" --set l1d.ways=many
    mistake "--set l1d.ways: '' is not a number" "${r[@]}" --set l1d.ways=
    mistake '--set l1d.ways=0: accepted is 1 to 8' "${r[@]}" --set l1d.ways=0
    mistake 'l1d: 8192 bytes in 3 ways .* no power of two' "${r[@]}" --set l1d.ways=3
    mistake '--set dtlb.entries=0: accepted is 1 to 512' "${r[@]}" --set dtlb.entries=0
    mistake 'dtlb: 48 entries in 4 ways .* no power of two' "${r[@]}" --set dtlb.entries=48
    mistake 'dtlb: 2 entries in 4 ways' "${r[@]}" --set dtlb.entries=2
    mistake 'dram.banks=3: both must be powers of two' "${r[@]}" --set dram.banks=3
    mistake '--set ram=5000: accepted is 1048576' "${r[@]}" --set ram=5000
    ask "${r[@]}" --set l1d.size=16K --set l1d.ways=4 --set itlb.ways=8
    says 'three good values of --set' 0 err 'halted at cycle 2$'
}

test_device_mistakes() {
    local r=(run --model flat -m 4 -kernel halt -device)
    mistake '-device vga: accepted is isa-debug-exit' "${r[@]}" vga
    mistake '-device isa-debug-exit2: accepted' "${r[@]}" isa-debug-exit2
    mistake 'iobase=zz: accepted is' "${r[@]}" isa-debug-exit,iobase=zz
    mistake 'speed=9: accepted is' "${r[@]}" isa-debug-exit,speed=9
    mistake 'iosize=9: accepted is .*iosize 1 to 4' "${r[@]}" isa-debug-exit,iosize=9
    mistake 'iobase=0x10000: accepted is .*iobase up to 0xffff, iosize 1 to 4' "${r[@]}" \
        isa-debug-exit,iobase=0x10000
    mistake 'ports 3f8..3fb belong to com1' "${r[@]}" isa-debug-exit,iobase=0x3f8,iosize=4
}

test_image_mistakes() {
    local r=(run --model flat -m 4 -kernel)
    echo 'no kernel at all' >junk
    head -c 4096 /dev/zero >zeroes
    head -c 100 halt >short
    : >empty
    gzip -k -f halt
    head -c 60 halt.gz >damaged.gz
    mistake 'nosuch: No such file' "${r[@]}" nosuch
    mistake 'Is a directory' "${r[@]}" .
    mistake 'junk: not a kernel: neither Multiboot, nor Linux' "${r[@]}" junk
    mistake 'zeroes: not a kernel' "${r[@]}" zeroes
    mistake 'empty: not a kernel' "${r[@]}" empty
    mistake 'short: segment 0 .* past the end of the file' "${r[@]}" short
    mistake 'damaged.gz: damaged gzip data' "${r[@]}" damaged.gz
    mistake 'nomodule: No such file' "${r[@]}" halt -initrd 'nomodule with arguments'
    mistake "module name '' is empty" "${r[@]}" halt -initrd ,
    ask "${r[@]}" halt.gz
    says 'a kernel in gzip' 0 err 'halted at cycle 2$'
}

# A kernel cut short or garbled in its headers ends in a known way, never in a crash.
test_damaged_kernels() {
    local size at
    size=$(stat -c %s halt)
    for at in 1 3 11 27 51 52 83 84 115 4095 4096 4107 $((size - 1)); do
        [ "$at" -lt "$size" ] || continue
        head -c "$at" halt >cut.img
        ask run --model flat -m 4 -kernel cut.img --max-cycles 10k --quiet
        case $status in
        0 | 1 | 2 | 5 | 124) ok ;;
        *) bad "a kernel of $at bytes" ;;
        esac
    done
    for at in 4 5 16 18 24 28 29 42 44 54 56 60 64 68 72; do
        cp halt garbled
        printf '\377\376\375\374' | dd of=garbled bs=1 seek="$at" conv=notrunc status=none
        ask run --model flat -m 4 -kernel garbled --max-cycles 10k --quiet
        case $status in
        0 | 1 | 2 | 5 | 124) ok ;;
        *) bad "a kernel with bytes $at..$((at + 3)) garbled" ;;
        esac
    done
}

test_file_mistakes() {
    local r=(run --model flat -m 4 -kernel halt)
    mistake '--symbols junk: neither an ELF file nor a System.map' "${r[@]}" --symbols junk
    mistake '--symbols nosuch: No such file' "${r[@]}" --symbols nosuch
    mistake '--symbols halt@high: expected FILE.*OFFSET in hexadecimal' "${r[@]}" --symbols halt@high
    cp loop 'loop@home'
    ask run --model flat -m 4 --quiet -kernel loop --symbols loop@home --ledger l.json
    says 'a file with an @ in its name' 0 l.json '"name": "again"'
    ask run --model flat -m 4 --quiet -kernel loop --symbols loop@home@1000 --ledger l.json
    says 'symbols at an offset' 0 l.json '"name": "\(kernel, no symbol\)"'
    mistake '--ledger /nosuch/l.json: No such file' "${r[@]}" --ledger /nosuch/l.json
    mistake '--serial file:/nosuch/x: No such file' "${r[@]}" --serial file:/nosuch/x
    mistake '--serial tcp:x: accepted are stdio, file:PATH and null' "${r[@]}" --serial tcp:x
    mistake 'there are only 2 ports' "${r[@]}" --serial null --serial null --serial null
    mistake '--serial-input nosuch: No such file' "${r[@]}" --serial-input nosuch
    mistake '--record-input /nosuch/x: No such file' "${r[@]}" --record-input /nosuch/x
    mistake '--window-json w.json: which window' "${r[@]}" --window-json w.json
}

test_script_mistakes() {
    local line r=(run --model flat -m 4 -kernel halt --serial-input)
    while IFS= read -r line; do
        printf '# a comment\n\n%s\n' "$line" >script
        mistake 'script:3: ' "${r[@]}" script
    done <<'S'
type "hello"
wait
wait ""
wait prompt
send hello
send "no end
send "a wrong \q escape"
send "a wrong \xZZ escape"
send "text" and more
at noon "hello"
at -5 "hello"
at 500
at 500 hello
at 500"hello"
at 99999999999999999999 "hello"
S
    head -c 3000 /dev/zero | tr '\0' a >script
    mistake 'script:1: expected .at CYCLE' "${r[@]}" script
    printf 'send "a\0b"\n' >script
    mistake '--serial-input script: a byte 0 is in it' "${r[@]}" script
    mistake '--serial-input .: Is a directory' "${r[@]}" .
}

test_window_mistakes() {
    local r=(run -m 4 -kernel loop --symbols loop --window)
    mistake "--window nosuch: no symbol 'nosuch'" "${r[@]}" nosuch
    mistake "again..nosuch#3: no symbol 'nosuch'" "${r[@]}" again..nosuch#3
    mistake 'expected SYMBOL#N or SYMBOL..SYMBOL#N' "${r[@]}" '#3'
    mistake "'0' is neither a number from 1 up nor median" "${r[@]}" again#0
    mistake "'3x' is neither a number from 1 up nor median" "${r[@]}" again#3x
    mistake "'0xzz' is no address" "${r[@]}" 0xzz
    mistake 'the flat model has no cycles to show' "${r[@]}" again --model flat
}

test_forward_mistakes() {
    local r=(run --model flat -m 4 -kernel halt --fast-forward)
    mistake 'accepted are symbol:NAME, serial:TEXT, cycle:N, post:HH' "${r[@]}" somewhere
    mistake "no symbol 'nosuch'" "${r[@]}" symbol:nosuch
    mistake 'cycle soon: expected a number' "${r[@]}" cycle:soon
    mistake "'1ff' is no hexadecimal byte" "${r[@]}" post:1ff
    mistake 'text to wait for is empty' "${r[@]}" serial:
    ask "${r[@]}" cycle:1k
    says 'a run that ends before its fast-forward says so' 0 err 'the run ended before cycle:1k'
}

test_exit_codes() {
    local r=(run --model flat -m 4 --quiet -kernel) exit_device=isa-debug-exit,iobase=0xf4,iosize=4
    ask "${r[@]}" halt
    says 'halted: 0' 0 err '^isochron: halted at cycle 2$'
    ask "${r[@]}" quit -device $exit_device
    says 'isa-debug-exit: (21 << 1) | 1' 43 err
    holds 'isa-debug-exit says nothing' test ! -s err
    ask "${r[@]}" quit
    says 'without the device its port is open bus' 0 err 'halted at cycle 4$'
    ask "${r[@]}" spin --max-cycles 10k
    says '--max-cycles: 124' 124 err '^isochron: cycle limit reached at cycle 10000$'
    ask "${r[@]}" spin --max-cycles 10k --warmup 5k
    says '--max-cycles with --warmup: 124' 124 err 'cycle limit reached at cycle 10000$'
    ask "${r[@]}" reset --no-reboot
    says 'a reset with -no-reboot: 0' 0 err 'the guest reset the machine at cycle'
    ask "${r[@]}" reset --max-cycles 5M
    says 'a reset boots again' 124 err 'cycle limit reached'
    ask "${r[@]}" boom --symbols boom
    says 'triple fault: 1, with its story' 1 err '^isochron: triple fault at cycle 1; ' \
        '0010:0010000c boom .*#UD invalid opcode' '#GP general protection error 0033' \
        '#DF double fault' 'IDT 00000000 limit 0000' 'EAX 2badb002'
    ask "${r[@]}" clock_test --symbols clock_test
    says 'unimplemented: 5, with the place' 5 err \
        '^isochron: unimplemented: .*divider test mode.*cycle 3, CS:EIP 0010:00100012 _start\+6$'
    ask "${r[@]}" nowhere
    says 'code outside memory: 5' 5 err 'unimplemented: instruction fetch outside .* 08000000'
}

test_serial() {
    local r=(run --model flat -m 4 --quiet -kernel hello)
    ask "${r[@]}"
    says 'COM1 is stdout' 0 out '^hello$' '^ready$'
    ask "${r[@]}" --serial file:com1 --serial file:com2
    holds 'COM1 into a file' test "$(cat com1)" = $'hello\nready'
    holds 'COM2 into a file' test "$(cat com2)" = 2
    holds 'and nothing on stdout' test ! -s out
    ask "${r[@]}" --serial null
    says '--serial null' 0 err 'halted'
    holds '--serial null is silent' test ! -s out
    ask "${r[@]}" --until-serial ell --max-cycles 100M
    says '--until-serial: 0' 0 err
    holds '--until-serial stops behind its text' test "$(cat out)" = hell
    ask "${r[@]}" --until-serial never
    says '--until-serial that is never sent' 0 err 'halted at cycle'
    ask "${r[@]}" -serial mon:stdio -display none -monitor none -no-shutdown -nodefaults -vga std \
        -net none -smp 1 -nographic
    says "QEMU's spellings that change nothing" 0 out '^ready$'
}

test_script() {
    local r=(run --model flat -m 4 --quiet -kernel echo)
    printf 'send "abc\\x21"\nwait "!"\nat 20000000 "xyz"\nwait "z"\nsend "\\"."\n' >script
    ask "${r[@]}" --serial-input script --hash
    cp out first
    says 'a script types, waits and types at a cycle' 0 out \
        '^abc!xyz"\.state hash [0-9a-f]{16} at cycle'
    ask "${r[@]}" --serial-input script --hash
    holds 'the same script gives the same hash' cmp -s out first
    printf 'send "abc\\x21"\nwait "!"\nat 20100000 "xyz"\nwait "z"\nsend "\\"."\n' >script
    ask "${r[@]}" --serial-input script --hash
    holds 'later input is another run' differs out first
}

# At a terminal: what is typed is recorded, the record gives the same run, the terminal is put right.
test_terminal() {
    local hash run=("$here/terminal.py" "$isochron")
    "${run[@]}" --type 'hello.' run --model flat -m 4 -kernel echo --record-input typed --hash >out
    status=$(sed -n 's/.*exit //p' out)
    says 'a terminal' 0 out '^hello\.state hash' '^raw, restored'
    hash=$(grep -o 'state hash.*' out)
    ask run --model flat -m 4 -kernel echo --serial-input typed --hash
    holds 'the record of a terminal gives the same run' test "$(cat out)" = "hello.$hash"
    "${run[@]}" --type '\x01x' run --model flat -m 4 -kernel spin >out
    status=$(sed -n 's/.*exit //p' out)
    says 'Ctrl-A x ends a run' 0 out '^raw, restored'
    "${run[@]}" --type 'q' run --model flat -m 4 -kernel echo_clock_test >out
    status=$(sed -n 's/.*exit //p' out)
    says 'a run that stops leaves no raw terminal' 5 out 'unimplemented: ' '^raw, restored'
}

# Progress makes way for a line that the guest has begun; colours are for terminals that have them.
test_terminal_output() {
    local run=("$here/terminal.py" "$isochron" run -m 4) bold=$'\033[1m'
    TERM=xterm "${run[@]}" --model flat -kernel spin --max-cycles 200M >out
    says 'progress of a long run' "$status" out 'M cycles, [0-9.]+ MIPS, [0-9]+ s left\]'
    TERM=xterm "${run[@]}" --model flat -kernel prompt --max-cycles 200M >out
    says 'a prompt' "$status" out '#isochron: cycle limit'
    holds 'is left alone by it' lacks out MIPS
    TERM=xterm "${run[@]}" -kernel loop --symbols loop --window again#5 --quiet >out
    holds 'bold at a terminal' grep -qF "$bold" out
    TERM=xterm NO_COLOR=1 "${run[@]}" -kernel loop --symbols loop --window again#5 --quiet >out
    holds 'but not with NO_COLOR' lacks out $'\033'
    TERM=dumb "${run[@]}" -kernel loop --symbols loop --window again#5 --quiet >out
    holds 'nor at one that has no bold' lacks out $'\033'
}

test_boot_strings() {
    echo module >part
    ask run --model flat -m 4 --quiet -kernel strings -append 'one two' -initrd 'part x=1 y=2,junk'
    says 'command line and module strings' 0 out '^strings one two$' '^part x=1 y=2$'
}

# What ends a run from outside leaves its recording and its reports whole.
test_signals() {
    local run
    rm -f killed.iso killed.json
    "$isochron" run -m 4 --quiet -kernel spin --record killed.iso --ledger killed.json >out 2>err </dev/null &
    run=$!
    until [ -s killed.iso ] || ! kill -0 $run 2>/dev/null; do sleep 0.02; done
    kill -TERM $run
    wait $run
    status=$?
    says 'SIGTERM ends a run' 143 err '^isochron: stopped at cycle [0-9]+: Terminated$'
    ask report killed.json
    says 'its ledger is written' 0 out '^machine p133, model p5, cold$'
    ask verify killed.iso
    says 'its recording is whole' 0 out 'the same run from cycle 0'
    holds 'and was finished' test ! -s err
    "$isochron" run --model flat -m 4 --quiet -kernel chatter --ledger killed.json 2>err </dev/null | head -n 3 >out
    status=${PIPESTATUS[0]}
    says 'so does a reader that goes' 141 err '^isochron: stopped at cycle [0-9]+: Broken pipe$'
    holds 'who has read what was there' test "$(wc -l <out)" = 3
    ask report killed.json
    says 'the ledger is written then, too' 0 out 'model flat'
}

# What cannot be written is an error, and nothing that is read is overwritten.
test_outputs() {
    local command r=(run --model flat -m 4 --quiet -kernel hello)
    ask "${r[@]}" --serial null --ledger l.json --record t.iso
    for command in machines 'report l.json' 'run --help' help; do
        # shellcheck disable=SC2086 # a command is words
        timeout 60 "$isochron" $command >/dev/full 2>err </dev/null
        status=$?
        says "$command to a full disk" 2 err '^isochron: the standard output cannot be written: No space left'
    done
    timeout 60 "$isochron" replay t.iso >/dev/full 2>err </dev/null
    status=$?
    says 'a guest to a full disk' 2 err '^isochron: --serial stdio: not all of it could be written: No space'
    ask "${r[@]}" --serial file:/dev/full
    says 'a serial line to a full disk' 2 err '^isochron: --serial file:/dev/full: not all of it could be written: No space'
    cp t.iso kept.iso
    mistake '--ledger t.iso: that is what is read' replay t.iso --ledger t.iso
    mistake '--out ./t.iso: that is what is read' checkpoint t.iso --out ./t.iso
    holds 'the trace is as it was' cmp -s t.iso kept.iso
    mistake '--record hello: that is what is read' "${r[@]}" --record hello
    mistake '--record x: --ledger goes there' "${r[@]}" --ledger x --record x
    mistake '--serial t.iso: that is what is read' replay t.iso --serial file:t.iso
    mistake '--serial hello: that is what is read' "${r[@]}" --serial file:hello
    mistake '--ledger script: that is what is read' "${r[@]}" --serial-input script --ledger script
    mistake '--timeline part: that is what is read' run -m 4 -kernel strings -initrd 'hello a,part x' --timeline part
    mistake '--serial y: --record-input goes there' "${r[@]}" --record-input y --serial file:y
    holds 'and the trace is still as it was' cmp -s t.iso kept.iso
}

# A recording is never lost to another; any other output is written over.
test_recordings() {
    local replaces='that file has something in it, and a recording replaces nothing'
    local r=(run --model flat -m 4 --quiet -kernel hello)
    rm -f new.iso part.iso
    ask "${r[@]}" --record new.iso --serial file:line
    cp new.iso kept.iso
    mistake "--record new.iso: $replaces" "${r[@]}" --record new.iso
    mistake "--record-input new.iso: $replaces" "${r[@]}" --record-input new.iso
    ask checkpoint new.iso --to 9 --out part.iso
    holds 'a part goes into a new file' test "$status" = 0
    mistake "--out part.iso: $replaces" checkpoint new.iso --to 9 --out part.iso
    mistake '--out /nosuch/x: No such file' checkpoint new.iso --to 9 --out /nosuch/x
    holds 'the recording is as it was' cmp -s new.iso kept.iso
    : >new.iso
    seq 1000 >>line
    ask "${r[@]}" --record new.iso --serial file:line
    holds 'an empty file can become a recording' cmp -s new.iso kept.iso
    holds 'a serial line is written over' lacks line '^1000$'
}

# An option twice, a trace twice, a file that is none.
test_twice() {
    local r=(run --model flat -m 4 --quiet -kernel halt)
    mistake '-kernel loop after -kernel halt; accepted is one' "${r[@]}" -kernel loop
    mistake '-max-cycles 2k after -max-cycles 1k' "${r[@]}" --max-cycles 1k --max-cycles=2k
    ask "${r[@]}" --quiet -m 4 -kernel halt
    says 'the same value twice is one' 0 err 'halted at cycle 2$'
    mistake "verify: 't.iso' and 'x': accepted is one trace" verify t.iso x
    mistake "checkpoint: 't.iso' and 't.iso'" checkpoint t.iso t.iso
    mistake '--every are of a cut' checkpoint t.iso --every 1M
    mistake '-max-cycles 0: accepted is 1 and up' "${r[@]}" --max-cycles 0
    mistake '-places 4294967296: accepted is 0 to 4294967295' report --places 4294967296 l.json
    mistake 'a\\x0ab: No such file' report $'a\nb'
    mistake '--rules .: Is a directory' "${r[@]}" --rules .
    printf '[a]\nentry = %0300d\n' 1 >long.ini
    mistake 'long.ini:2: longer than the 197 characters' "${r[@]}" --rules long.ini
    printf '00100000 T a\n00100010\n' >cut.map
    mistake "cut.map:2: '00100010' is no address, kind and name" "${r[@]}" --symbols cut.map
    mistake 'larger than the 64 MB accepted' cycles --file /dev/zero
}

test_logs() {
    local r=(run --model flat -m 4 --quiet -kernel traps --max-cycles 1M)
    ask "${r[@]}" -d int,io,cr,exceptions
    says '-d int,io,cr,exceptions' 0 err '^ +[0-9]+ int 30 .* cpl 0 ' \
        '^ +[0-9]+ exception 06 #UD invalid opcode at 0010:' \
        '^ +[0-9]+ cr4 <- 00000008 at 001' '^ +[0-9]+ out 0080\.1 <- 15 \(post\) at 001'
    grep -v '^isochron' err >all
    ask "${r[@]}" -d exceptions
    says '-d exceptions' 0 err ' exception 06'
    holds '-d exceptions alone' lacks err ' (int 30|out|cr4) '
    ask "${r[@]}" -d io
    says '-d io' 0 err ' out 0080'
    holds '-d io alone' lacks err ' (int|exception|cr4) '
    sort -s -n -k1,1 all >sorted
    holds 'the stamps of -d never go back' cmp -s all sorted
}

test_hash() {
    local kernel model r=(run -m 4 --quiet --hash --serial null)
    for model in flat p5; do
        for kernel in halt hello traps; do
            ask "${r[@]}" --model $model -kernel $kernel
            says "--hash of $kernel on $model" 0 out '^state hash [0-9a-f]{16} at cycle [0-9]+$'
            cp out first
            ask "${r[@]}" --model $model -kernel $kernel
            holds "--hash of $kernel on $model, again" cmp -s out first
            ask "${r[@]}" --model $model -kernel $kernel --ledger l.json --symbols $kernel -d io,cr
            holds "--hash of $kernel on $model, observed" cmp -s out first
        done
    done
}

test_report() {
    ask run --model flat -m 4 --quiet -kernel loop --symbols loop --ledger l.json
    says 'a ledger is written' 0 l.json '"schema": "isochron-ledger-1"' '"cycles": 3003'
    ask report l.json
    says 'report' 0 out '^machine p133, model flat, cold$' '^3003 cycles, 3003 instructions' \
        '^issue +3003 +100.00' '^boot +3003' '^again +3002 '
    ask report --places 0 l.json
    says 'report --places 0' 0 out '^place '
    holds 'report --places 0 lists none' lacks out '^again '
    ask run --model flat -m 4 --quiet -kernel loop --warmup 1000 --ledger warm.json
    ask report warm.json
    says 'a warm ledger counts from the warm-up' 0 out 'model flat, warm$' \
        '^200[0-9] cycles, 200[0-9] instructions, 1.00 cycles each$'
    ask report --format csv l.json
    says 'report --format csv' 0 out '^path,place,cause,cycles$' '^boot,again,issue,[0-9]+$'
    holds 'its cycles are those of the run' test 3003 = \
        "$(awk -F, 'NR > 1 { sum += $4 } END { print sum }' out)"
    ask report --format folded l.json
    says 'report --format folded' 0 out '^boot;again;issue [0-9]+$'
    ask report --format json l.json
    holds 'report --format json is the ledger' python3 -c \
        'import json; exit(json.load(open("out")) != json.load(open("l.json")))'
    mistake '-format svg: accepted is only text, json, csv, .*folded' report --format svg l.json
    mistake 'which ledger' report
    mistake 'nosuch' report nosuch
    mistake "'l.json' after 'l.json'; accepted is one" report l.json l.json
    mistake '-places few: expected a number' report --places few l.json
    head -c 300 l.json >broken.json
    mistake 'broken.json: .*\(line [0-9]+\)' report broken.json
    mistake 'junk: .*\(line 1\)' report junk
    echo '{}' >empty.json
    mistake "empty.json is no ledger: its schema is 'missing', accepted is 'isochron-ledger-1'" \
        report empty.json
    sed 's/"paths": \[/"tracks": [/' l.json >fields.json
    mistake "fields.json: 'paths' is missing; accepted is a JSON array" report fields.json
    sed 's/"cycles": 3003/"cycles": 3004/' l.json >sums.json
    mistake 'sums.json is damaged: its causes sum to 3003 cycles, the run had 3004' report sums.json
}

# On the timed model: a window's cycles are the elapsed ones, and the ledger's sum is the run's.
test_timed() {
    ask run -m 4 --quiet -kernel loop --symbols loop --window again#500 --window-json w.json \
        --ledger l.json --hash
    says 'a window of p5' 0 out 'add +eax, 1' 'elapsed +[0-9]+ +\(equal\)' 'state hash'
    says 'a window as JSON' 0 w.json '"instruction": "dec ecx"' '"cycles":'
    ask report l.json
    says 'a ledger of p5' 0 out '^machine p133, model p5, cold$' '^issue ' '^again '
    ask run -m 4 --quiet -kernel loop --symbols loop --fast-forward symbol:again --ledger f.json
    says 'fast-forward to a symbol' 0 err 'symbol:again reached at cycle 1 on flat; now on p5, cold'
    ask run -m 4 --quiet -kernel loop --symbols loop --window halt_never..again#1
    says 'a window of an unknown symbol' 2 err "no symbol 'halt_never'"
    ask run -m 4 --quiet -kernel loop --symbols loop --window again#5000
    says 'a window that is never reached' 0 out '^window: never reached$'
}

make_guests
for t in help machines option_mistakes set_mistakes device_mistakes image_mistakes damaged_kernels \
    file_mistakes script_mistakes window_mistakes forward_mistakes exit_codes serial script terminal \
    terminal_output boot_strings signals outputs recordings twice logs hash report timed cycles; do
    "test_$t"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
