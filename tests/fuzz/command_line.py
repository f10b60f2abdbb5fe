#!/usr/bin/env python3
"""command_line.py [--seconds S] [--seed N]: options of every command, as --help has them, with values that make no sense.

Each case takes a command that works and gives it one to three more options, or another operand. However it
ends, it ends by itself and with a documented exit code; a mistake is one line on stderr and nothing on stdout; what
was read is as it was. The sanitizers of the dev preset say the rest. ISOCHRON=PATH names the program (build/dev).
"""
import argparse
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(os.environ.get("ISOCHRON", ROOT / "build/dev/isochron"))
GUEST = """.text; .align 4; .long 0x1BADB002, 0, -0x1BADB002; .globl _start; _start: mov $1000, %ecx
.globl again; again: add $1, %eax; dec %ecx; jnz again; cli; hlt
"""
VALUES = ["", " ", "-", "--", "-1", "0", "1", "2", "0x", "nan", "1e99", "1k", "1T", "4294967296", "18446744073709551616",
          "a" * 5000, "%s%n", "\udcff\udcfe", "\n", "a\nb", "\x1b[2J", "folder", "/nonexistent/x", "/proc/self/mem",
          "/dev/null", "text", "noise", "empty", "{}", "deep", "cut.iso", "l.json", "w.json", "t.iso", "loop", "a,b", ",", "=",
          "x=", "=x", "#", "#0", "x#", "x#0", "again#1", "again#9", "..", "..#", "a..b", "@", "loop@", "loop@1:", ":", ":x",
          ";", "p133", "a64-2200", "flat", "p5", "all", "csv", "json", "html", "stdio", "null", "file:", "file:x",
          "x: cycles <= 1", "x: cycles <= nan", "x: y <= ", "l1d.ways=1,2", "l1d.ways=", "ram=1K", "clock.hz_num=1",
          "cycle:", "cycle:-1", "cycle:9", "symbol:again", "serial:", "post:1ff", "t.iso:t.iso", "isa-debug-exit,iobase=-1",
          "isa-debug-exit,iosize=9", "int,,io"]
WORKS = {
    "run": ["-kernel", "loop", "-m", "4", "--serial", "null", "--max-cycles", "30k"], "replay": ["t.iso", "--serial", "null"],
    "verify": ["t.iso"], "checkpoint": ["t.iso"], "report": ["l.json"], "annotate": ["w.json"], "diff": ["l.json", "l.json"],
    "check": ["l.json", "--budget", "x: cycles <= 1"], "explain": ["t.iso"], "sweep": ["t.iso", "--set", "l1d.ways=1,2"],
    "export": ["l.json", "--format", "csv"], "cycles": ["--asm", "nop"], "machines": ["p133"], "reproduce": ["--list"],
}
WAITS = ("s", "S", "gdb")  # for a debugger
CODES = (0, 1, 2, 3, 4, 5, 124)


def run(*words):
    """Exit code, stdout, stderr; the code is None where it had to be stopped."""
    try:
        p = subprocess.run([PROGRAM, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                           env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    except subprocess.TimeoutExpired:
        return None, b"", b""
    return p.returncode, p.stdout, p.stderr


def make_files():
    pathlib.Path("loop.s").write_text(GUEST)
    subprocess.run("as --32 -o loop.o loop.s && ld -m elf_i386 -z noexecstack -Ttext 0x100000 -o loop loop.o", shell=True, check=True)
    code, _, err = run("run", "--quiet", "-m", "4", "-kernel", "loop", "--symbols", "loop", "--record", "t.iso", "--serial", "null",
                       "--paths", "--profile", "--blame", "--ledger", "l.json", "--window", "again#5", "--window-json", "w.json")
    if code:
        sys.exit(f"command_line.py: the guest's run ended with {code}: {err.decode()}")
    noise = random.Random(1).randbytes(5000)
    for name, data in (("text", b"text\n"), ("noise", noise), ("empty", b""), ("{}", b"{}"), ("deep", b"[" * 200000),
                       ("cut.iso", pathlib.Path("t.iso").read_bytes()[:1000])):
        pathlib.Path(name).write_bytes(data)
    os.mkdir("folder")


def options_of(command):
    """Each option and whether it takes a value."""
    text = run(command, "--help")[1].decode()
    found = re.findall(r"^  -([a-zA-Z][\w-]*)(?: (\S+))?", text, re.M)
    # A word beside a short name may be the explanation: what is wanted, the command itself says.
    return [(o, b"wants a value" in run(command, "-" + o)[2]) for o, _ in found if o not in WAITS + ("help",)]


def sums():
    return {name: hashlib.sha256(pathlib.Path(name).read_bytes()).digest() for name in ("loop", "t.iso", "l.json", "w.json")}


def wrong(words, code, out, err, before):
    """What is not as it should be; None if all is."""
    lines = err.splitlines()
    if code is None or code not in CODES:
        return f"exit code {code}"
    if re.search(rb"Sanitizer|runtime error:|internal error", err):
        return "a mistake of the program's own"
    if code == 2 and (len(lines) != 1 or not lines[0].startswith(b"isochron: ") or out):
        return f"{len(lines)} lines on stderr, {len(out)} bytes on stdout"
    if code == 2 and any(now != was for now, was in zip(sums().values(), before.values())):
        return "a mistake has changed what was read"
    return None


def one_case(r, options):
    command = r.choice(list(WORKS))
    words = [command, *WORKS[command]]
    for _ in range(r.randint(1, 3)):
        if r.random() < 0.15 or not options[command]:
            words.insert(r.randint(1, len(words)), r.choice(VALUES))
            continue
        name, takes = r.choice(options[command])
        words += ["-" * r.randint(1, 2) + name] + ([r.choice(VALUES)] if takes and r.random() < 0.95 else [])
    return words


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=float, default=15)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--cases", type=int, default=10 ** 9)
    a = p.parse_args()
    os.chdir(tempfile.mkdtemp())
    make_files()
    kept = {name: pathlib.Path(name).read_bytes() for name in os.listdir(".") if os.path.isfile(name)}
    options, before = {c: options_of(c) for c in WORKS}, sums()
    failed, seed, end, counts = 0, a.seed, time.monotonic() + a.seconds, {}
    while time.monotonic() < end and seed < a.seed + a.cases and failed < 10:
        words = one_case(random.Random(seed), options)
        code, out, err = run(*words)
        problem = wrong(words, code, out, err, before)
        counts[code] = counts.get(code, 0) + 1
        if problem:
            failed += 1
            print(f"FAILED: seed {seed}: isochron {words}: {problem}\n{err.decode(errors='replace')[:2000]}")
        if sums() != before:
            for name, data in kept.items():
                pathlib.Path(name).write_bytes(data)
        seed += 1
    shutil.rmtree(os.getcwd())
    cases = seed - a.seed
    print(f"{cases} cases from seed {a.seed}: " + ", ".join(f"exit {c}: {n}" for c, n in sorted(counts.items(), key=str)))
    print(f"{cases - failed} passed, {failed} failed")
    sys.exit(failed != 0 or cases < 10 or len(options["run"]) < 30)


main()
