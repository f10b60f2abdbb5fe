#!/usr/bin/env python3
"""What a warm getpid of Linux on the L4 kernel is made of, from the paths that Isochron's ledger tells.

For each way of system calls and each kind of space of the server: a call and its answer are one kernel path each,
neither interrupted by anything, with one write to CR3 each between large spaces and none where the server is a
small one; the trampoline adds one path, from the program to itself. Without L4, a call is one path with two writes,
and costs less than on L4 with the same two. By the library a call costs at most 2.6 times
native Linux's, by the trampoline 3.6 times, with the server in a small space.

usage: l4_linux_calls.py; ISOCHRON and BUILD name the program and the build (build/release).
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build/release"))
ISOCHRON = os.environ.get("ISOCHRON", str(BUILD / "isochron"))
CALLS = 200
# The way, the server's space, CR3 writes a path, times native that a call may cost (None: not said).
ROWS = [
    ("exception", "large", 1, None),
    ("exception", "small", 0, None),
    ("library", "large", 1, None),
    ("library", "small", 0, 2.6),
    ("trampoline", "small", 0, 3.6),
]


def image(name, option=None):
    command = [ROOT / "guests/images"] + ([option] if option else []) + [name]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.strip() if option else done.stdout.split()[1]


def run(work, way, options):
    """200 calls on the Pentium's model: the ledger's kernel paths, and the median that the program says."""
    library = way == "library"
    typed, ledger, serial = work / "typed", work / "ledger.json", work / "serial"
    command = f"getpid_loop {CALLS}" + (" library" if library else "")
    typed.write_text(f'wait "isochron: shell"\nwait "# "\nsend "{command}\\n"\n')
    loop = "library_loop_start" if library else "getpid_loop_start"
    subprocess.run([ISOCHRON, "run", "--quiet", *options, "--serial-input", typed, "--fast-forward", f"symbol:{loop}",
                    "--until-serial", "cycles, min", "--max-cycles", "20G", "--symbols", image("getpid_loop"), "--paths",
                    "--ledger", ledger, "--serial", f"file:{serial}"],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=400)
    median = re.search(rb"median (\d+) cycles", serial.read_bytes())
    return json.loads(ledger.read_text())["kernel_paths"], int(median.group(1))


def on_l4(work, way, space):
    modules = ",".join([str(BUILD / "l4/sigma0"),
                        f"{image('linux-l4')} mem=32M initrd=rd console=ttyS0 quiet lpj=400000 norandmaps syscalls={way} space={space}",
                        image("initrd-klibc")])
    kernel = BUILD / "l4/kernel"
    return run(work, way, ["-kernel", kernel, "--symbols", kernel, "-append", "root=low", "-initrd", modules])


def native(work):
    vmlinux = image("vmlinux")
    return run(work, "native", ["-kernel", vmlinux, "-initrd", image("initrd-klibc"), "-append",
                                image("vmlinux", "--cmdline") + " norandmaps", "--symbols", vmlinux])[1]


def check_without_l4(work, base):
    """Its cycles, and what is wrong."""
    paths, cycles = run(work, "without", ["-kernel", image("linux-bare"), "-initrd", image("initrd-klibc"), "-append",
                                          "mem=32M initrd=rd console=ttyS0 quiet lpj=400000 norandmaps"])
    calls = [c for c in paths["clusters"] if c["entry"].startswith("80 ")]
    count, writes = sum(c["count"] for c in calls), sum(c["cr3_writes"] for c in calls)
    wrong = [] if CALLS <= count <= CALLS + 2 else [f"{count} entries by int 80h for {CALLS} calls"]
    if writes != 2 * count:
        wrong.append(f"{writes} writes to CR3 in {count} calls, not 2 each")
    print(f"without L4: {cycles} cycles, {cycles / base:.2f} times native")
    return cycles, wrong


def check(paths, way, writes):
    """What is wrong with the calls; [] if nothing."""
    wrong = []
    clusters = paths["clusters"]
    trip = max(paths["round_trips"], key=lambda row: row["count"])
    call, reply = clusters[trip["call"]], clusters[trip["reply"]]
    if not CALLS - 5 <= trip["count"] <= CALLS + 1:
        wrong.append(f"{trip['count']} of {CALLS} calls went by the commonest way")
    if trip["least"]["other"]:
        wrong.append(f"{trip['least']['other']} cycles of other kernel paths between call and answer")
    for name, path in (("call", call), ("answer", reply)):
        if path["nested"]:
            wrong.append(f"the {name} is interrupted")
        if path["cr3_writes"] != writes * path["count"]:
            wrong.append(f"{path['count']} of the {name} write CR3 {path['cr3_writes']} times, not {writes} each")
        if path["ends"] != "other space":
            wrong.append(f"the {name} ends in {path['ends']}")
    entries = sum(c["count"] for c in clusters if c["entry"][:2] in ("0d", "30"))
    expected = (3 if way == "trampoline" else 2) * CALLS
    if not expected <= entries <= expected + 12: # the program's last write, and a tick
        wrong.append(f"{entries} kernel entries for {CALLS} calls, not {expected}")
    return wrong, trip["least"]


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = native(work)
        print(f"getpid on p133, warm: native Linux {base} cycles")
        least, bare_wrong = check_without_l4(work, base)
        passed, failed = passed + (not bare_wrong), failed + bool(bare_wrong)
        for line in bare_wrong:
            print(f"    {line}")
        for way, space, writes, bar in ROWS:
            paths, cycles = on_l4(work, way, space)
            wrong, parts = check(paths, way, writes)
            if bar and cycles > bar * base:
                wrong.append(f"more than {bar} times native")
            if writes and cycles <= least:
                wrong.append("no more than without L4")
            client = cycles - parts["send"] - parts["server"] - parts["answer"]
            print(f"{way}, {space}: {cycles} cycles, {cycles / base:.2f} times native; client {client}, "
                  f"send {parts['send']}, server {parts['server']}, answer {parts['answer']}")
            for line in wrong:
                print(f"    {line}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
