#!/usr/bin/env python3
"""trace.py: recorded runs as a user meets them: record, replay, verify, cut, and what is refused.

The guest echoes what is typed, with the timer's interrupts going on, and resets the machine at 'r'.
The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib

sys.dont_write_bytecode = True
from lib.checks import check, finish, program as isochron, root, work

GUEST = r"""
.text; .align 4; .long 0x1BADB002, 0, -0x1BADB002
.globl _start
_start: mov $stack, %esp
    lgdt gdtr; ljmp $8, $1f
1:  mov $16, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss
    lidt idtr
    mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21
    mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21; mov $0xFE, %al; out %al, $0x21
    mov $0x34, %al; out %al, $0x43; mov $0x80, %al; out %al, $0x40; mov $1, %al; out %al, $0x40
    mov $0x3fb, %dx; mov $0x83, %al; out %al, %dx
    mov $0x3f8, %dx; mov $1, %al; out %al, %dx; mov $0x3f9, %dx; mov $0, %al; out %al, %dx
    mov $0x3fb, %dx; mov $3, %al; out %al, %dx
    mov $'>', %bl; call put
    sti
loop: mov $0x3fd, %dx; in %dx, %al; test $1, %al; jz busy
    mov $0x3f8, %dx; in %dx, %al; mov %al, %bl
    cmp $'q', %al; je quit
    cmp $'r', %al; je again
    call put
busy: mov ticks, %eax; and $4095, %eax; add %eax, table(,%eax,4); add $3, %ecx
    imul %ecx, %esi; jmp loop
quit: mov $10, %eax; out %eax, $0xf4
again: mov $0xFE, %al; out %al, $0x64; 2: jmp 2b
put: mov $0x3fd, %dx; 3: in %dx, %al; test $0x20, %al; jz 3b
    mov $0x3f8, %dx; mov %bl, %al; out %al, %dx; ret
tick: push %eax; incl ticks; mov $0x20, %al; out %al, $0x20; pop %eax; iret
.align 8
gdt: .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdtr: .word 23; .long gdt
idt: .fill 32, 8, 0; .word LOW, 8, 0x8E00, 0x10
idtr: .word 33*8-1; .long idt
.set LOW, tick - _start + 12
.bss
ticks: .long 0
table: .space 16384
.space 4096
stack:
"""


def run(*args, limit=300):
    p = subprocess.run([isochron, *map(str, args)], capture_output=True, timeout=limit, cwd=work,
                       stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout.decode("latin-1"), p.stderr.decode("latin-1")


def make_guest():
    (work / "guest.s").write_text(GUEST)
    subprocess.run(["as", "--32", "-o", "guest.o", "guest.s"], cwd=work, check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-z", "noexecstack", "-Ttext", "0x100000", "-o", "guest",
                    "guest.o"], cwd=work, check=True)
    (work / "script").write_text('wait ">"\nsend "abc"\nat 1500000 "de"\nat 2600000 "r"\n'
                                 'wait ">"\nsend "xyz"\nwait "z"\nsend "q"\n')


BOOT = ["run", "-kernel", "guest", "--serial-input", "script", "-device",
        "isa-debug-exit,iobase=0xf4,iosize=4", "--quiet"]


def chunks(data):
    """(offset of head, kind, flags, size, stored bytes) of each chunk."""
    at = 16
    while at + 32 <= len(data):
        kind, flags, size, stored = struct.unpack_from("<4sIQQ", data, at)
        yield at, kind.decode(), flags, size, data[at + 32:at + 32 + stored]
        at += 32 + stored


def chunk(kind, flags, payload):
    packed = zlib.compress(payload)
    head = struct.pack("<4sIQQI", kind.encode(), flags, len(payload), len(packed),
                       zlib.crc32(packed))
    return head + struct.pack("<I", zlib.crc32(head)) + packed


def rebuild(data, change):
    """The trace with change(kind, payload) in place of each chunk's bytes; None drops the chunk."""
    out = data[:16]
    for _, kind, flags, _, stored in chunks(data):
        payload = change(kind, zlib.decompress(stored))
        if payload is not None:
            out += chunk(kind, flags, payload)
    return out


def test_same_run():
    code, out, err = run(*BOOT, "--record", "t.iso", "--record-every", "1M", "--hash", "--ledger",
                         "run.json", "--symbols", "guest")
    check("the guest ends by its exit port", code == 21, code, out, err)
    end = re.search("state hash .*", out) or [out]
    code, out, err = run("verify", "t.iso")
    check("verify proves the run", code == 0 and "the same run from cycle 0" in out, code, out, err)
    code, out, err = run("replay", "t.iso", "--hash", "--ledger", "replay.json", "--quiet")
    check("a replay ends as the run did", code == 21 and end[0] in out, code, end, out, err)
    check("and prints what it printed", ">abcde>xyz" in out, out)
    check("and accounts for the same cycles", (work / "run.json").read_text().replace("cold", "warm")
          == (work / "replay.json").read_text().replace("cold", "warm"))
    code, plain, err = run(*BOOT, "--hash")
    check("recording moves no cycle", code == 21 and end[0] in plain, end, plain, err)
    return end[0]


def test_parts(end):
    for start in (0, 700_000, 1_999_999, 2_650_000):
        code, out, err = run("replay", "t.iso", "--from", start, "--hash", "--quiet")
        check(f"a replay from cycle {start} comes to the same end", end in out, code, out, err)
    code, out, err = run("replay", "t.iso", "--from", "1M", "--to", "1200000", "--ledger",
                         "part.json", "--quiet")
    part = json.loads((work / "part.json").read_text())
    check("a part's ledger holds the part's cycles", 199_900 < part["cycles"] < 200_100,
          part["cycles"], err)
    check("and knows by what way the processor came in", code == 0, code)
    code, out, err = run("checkpoint", "t.iso", "--from", "1234567", "--to", "3M", "--out",
                         "cut.iso", "--quiet")
    check("a part can be cut out", code == 0, code, err)
    code, out, err = run("verify", "cut.iso")
    check("and is a trace of its own", code == 0 and "from cycle 1234" in out, code, out, err)
    code, out, err = run("checkpoint", "t.iso")
    check("checkpoints are listed", code == 0 and "after a reset" in out and "sha256" in out, out)
    code, out, err = run("replay", "t.iso", "--from", "999G")
    check("a part beyond the end is refused", code == 2 and "the trace goes from 0 to" in err, err)


def refused(name, data, *patterns):
    (work / "bad.iso").write_bytes(data)
    for command in ("replay", "verify", "checkpoint"):
        code, out, err = run(command, "bad.iso")
        check(f"{command}: {name}", code == 2 and err.count("\n") == 1 and
              any(p in err for p in patterns), code, out[:200], err)


def test_refused():
    data = (work / "t.iso").read_bytes()
    heads = [c[0] for c in chunks(data)]
    refused("no trace", b"\x7fELF" + bytes(100), "not a trace")
    refused("an empty file", b"", "not a trace")
    refused("another version", data[:8] + struct.pack("<I", 7) + data[12:], "of version 7")
    refused("a flipped bit in a head", data[:heads[1] + 9] + b"\xff" + data[heads[1] + 10:],
            "wrong check sum")
    refused("only the head", data[:16], "does not begin with a manifest")
    refused("killed at once", data[:40], "killed before it began")
    code, out, err = run("verify", "nosuch.iso")
    check("a missing file", code == 2 and "No such file" in err, err)
    bad = bytearray(data)
    bad[heads[1] + 32 + 40] ^= 4
    (work / "bad.iso").write_bytes(bad)
    code, out, err = run("replay", "bad.iso")
    check("a flipped bit in a state", code == 2 and "damaged" in err and err.count("\n") == 1, err)
    manifest = rebuild(data, lambda k, p: b"{}" if k == "MANI" else p)
    refused("an empty manifest", manifest, "manifest cannot be read")
    hashes = [c for c in chunks(data) if c[1] == "HASH"]
    doubled = data[:hashes[0][0]] + data[hashes[0][0]:hashes[0][0] + 32 + len(hashes[0][4])] + \
        data[hashes[0][0]:]
    refused("a hash twice", doubled, "does not follow the one before")
    shape = rebuild(data, lambda k, p: p.replace(b'"settings": []', b'"settings": ["l1d.ways=4"]')
                    if k == "MANI" else p)
    (work / "bad.iso").write_bytes(shape)
    code, out, err = run("replay", "bad.iso")
    check("a state of another machine", code == 2 and "does not fit" in err, code, err)


def test_cut_short():
    data = (work / "t.iso").read_bytes()
    last = [c[0] for c in chunks(data)][-1]
    (work / "short.iso").write_bytes(data[:last + 20])
    code, out, err = run("verify", "short.iso")
    check("a trace without its end is verified as far as it goes", code == 0 and "not finished" in err,
          code, out, err)


ENDLESS = [*BOOT[:3], "-m", "8", "--quiet", "--record-every", "200k", "--serial", "null"]


def whole_chunks(data):
    """Where the last whole chunk ends, and the cycle of the last state or hash in what is whole."""
    end, cycle = 16, None
    for at, kind, _, _, stored in chunks(data):
        if at + 32 + struct.unpack_from("<Q", data, at + 16)[0] > len(data):
            break
        end = at + 32 + len(stored)
        if kind in ("STAT", "HASH"):
            cycle = struct.unpack_from("<QQ", zlib.decompress(stored))[1]
    return end, cycle


def expect_readable(how, whole):
    """What was written is the begin of the whole recording, and is good up to its last whole chunk."""
    data = (work / "killed.iso").read_bytes()
    end, cycle = whole_chunks(data)
    check(f"{how}: nothing else is in the file", whole.startswith(data[:len(whole)]), len(data), len(whole))
    if cycle is None:
        return 0
    code, out, err = run("verify", "killed.iso")
    check(f"{how}: all but the last chunk is there", code == 0 and f"to {cycle}," in out and
          "not finished" in err, code, out, err)
    code, out, err = run("replay", "killed.iso", "--serial", "null", "--hash", "--quiet")
    check(f"{how}: and replays", code == 0 and f"at cycle {cycle}" in out, code, out, err)
    return len(data) - end


def test_killed(seed, kills=4, limits=6):
    """kill -9 at any moment, and death in the middle of a write (SIGXFSZ at a byte of the file)."""
    chance = random.Random(seed)
    run(*ENDLESS, "--record", "whole.iso", "--max-cycles", "9M")
    whole = (work / "whole.iso").read_bytes()
    whole = whole[:[c[0] for c in chunks(whole)][-3]]  # without what only an end writes
    for n in range(kills):
        (work / "killed.iso").unlink(missing_ok=True)
        p = subprocess.Popen([isochron, *ENDLESS, "--record", "killed.iso"], cwd=work,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wanted = chance.randrange(3000, len(whole))
        while not (work / "killed.iso").exists() or (work / "killed.iso").stat().st_size < wanted:
            time.sleep(0.001)
        p.send_signal(signal.SIGKILL)
        check("it was killed", p.wait() == -signal.SIGKILL)
        expect_readable(f"kill -9, seed {seed}.{n}", whole)
    torn = 0
    for n in range(limits):
        (work / "killed.iso").unlink()
        limit = chance.randrange(3000, len(whole))
        p = subprocess.run([isochron, *ENDLESS, "--record", "killed.iso", "--max-cycles", "12M"], cwd=work,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        check("it died writing", p.returncode == -signal.SIGXFSZ and
              (work / "killed.iso").stat().st_size == limit, p.returncode, p.stderr)
        torn += expect_readable(f"dead at byte {limit}", whole) > 0
    check("most of those tore a chunk", torn > limits // 2, torn)


def test_divergence():
    data = (work / "t.iso").read_bytes()

    def earlier(kind, payload):
        if kind != "INPT":
            return payload
        cycle, rest = struct.unpack_from("<Q", payload)[0], payload[8:]
        return struct.pack("<Q", cycle - 1000) + rest
    (work / "moved.iso").write_bytes(rebuild(data, earlier))
    code, out, err = run("verify", "moved.iso")
    check("a moved input diverges", code == 4 and "diverges at cycle" in out, code, out, err)
    check("and the field is named", "first difference of a recorded state: " in out and
          "machine." in out, out)


def test_fuzz(seed, rounds=150):
    """Any damage is refused in one line, or does not matter."""
    chance = random.Random(seed)
    data = (work / "t.iso").read_bytes()
    for i in range(rounds):
        bad = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.3:
            del bad[chance.randrange(len(bad)):]
        (work / "fuzz.iso").write_bytes(bad)
        code, out, err = run("replay", "fuzz.iso", "--quiet", "--to", "300000")
        check(f"seed {seed} round {i}: one line or a replay",
              code in (0, 21) or (code == 2 and err.count("\n") <= 2), code, out[:100], err[:300])


make_guest()
end_line = test_same_run()
test_parts(end_line)
test_refused()
test_cut_short()
test_killed(1)
test_divergence()
test_fuzz(1)
finish()
