#!/usr/bin/env python3
"""Linux without L4 that has lost its stack ends with one line on the serial line, not with a triple fault.

A debugger stops it at start_kernel and moves ESP to where no page is: the next push is a page fault, whose own pushes
fault, which is a double fault, on QEMU as here. ISOCHRON names another program than build/release/isochron.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli/lib"))
from checks import check, finish, program, work  # noqa: E402
from remote import Remote  # noqa: E402

NOWHERE = 0x70000000
GUEST_FAILED = 3  # the layer's exit code 1, as isa-debug-exit gives it


def image(name):
    return subprocess.run([ROOT / "guests/images", name], capture_output=True, check=True, text=True).stdout.split()[1]


def address_of(kernel, symbol):
    names = subprocess.run(["nm", kernel], capture_output=True, check=True, text=True).stdout
    return int(re.search(rf"^([0-9a-f]+) \w {symbol}$", names, re.M)[1], 16)


def lose_stack(port, where):
    debugger = Remote(port)
    debugger.ask("qXfer:features:read:target.xml:0,fff")  # or QEMU knows no single registers
    for request, answer in ((f"Z1,{where:x},1", "OK"), ("c", "T05.*"), (f"z1,{where:x},1", "OK"),
                            ("P4=" + NOWHERE.to_bytes(4, "little").hex(), "OK")):
        said = debugger.ask(request)
        check(f"{port.name}: {request}", re.fullmatch(answer, said), said)
    debugger.detach()


def run(name, *command):
    kernel, serial = image("linux-bare"), work / f"{name}.serial"
    where = address_of(kernel, "start_kernel")
    p = subprocess.Popen([*command, "-kernel", kernel, "-initrd", image("initrd-klibc"), "-append",
                          "mem=32M initrd=rd console=ttyS0 quiet lpj=400000 exit=debug", "-serial", f"file:{serial}",
                          "-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        lose_stack(work / name, where)
        said = p.communicate(timeout=120)[1]
    finally:
        p.kill()
    line = rf"linux: double fault, at {where >> 12:05x}\w\w\w, stack {NOWHERE:08x}, address {NOWHERE - 4:08x}\s*"
    text = serial.read_text(errors="replace")
    check(f"{name}: one line", re.fullmatch(line, text), text, said)
    check(f"{name}: it ends", p.returncode == GUEST_FAILED, p.returncode, said)


run("isochron", program, "run", "--quiet", "--model", "flat", "--gdb", f"unix:{work}/isochron", "-S")
run("qemu", "qemu-system-i386", "-cpu", "pentium", "-m", "64", "-display", "none", "-monitor", "none", "-no-reboot",
    "-gdb", f"unix:{work}/qemu,server=on,wait=off", "-S")
finish()
