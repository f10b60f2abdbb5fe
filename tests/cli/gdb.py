#!/usr/bin/env python3
"""gdb.py: the debugger's port, packet by packet: where it listens, what it answers, what it refuses.

Debian's gdb has its own test (gdb_replay.py); here the packets are written by hand, wrong ones too, on the
shipped trace traces/ipc.iso. The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import atexit
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parents[2]
isochron = os.path.abspath(os.environ.get("ISOCHRON", root / "build/release/isochron"))
trace = root / "traces/ipc.iso"
work = pathlib.Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, work, ignore_errors=True)
passed = failed = 0


def check(name, good, *detail):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f"FAILED: {name}")
    for d in detail:
        print("    " + str(d)[:600])


class Debugged:
    """A replay that waits for us, and the debugger's end of the line."""

    def __init__(self, *options, gdb="0", command=("replay", str(trace), "--serial", "null")):
        self.err = open(work / "err", "w+")
        self.process = subprocess.Popen([isochron, *command, "--quiet", "--gdb", gdb, "-S", *options],
                                        cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.err)
        self.where = self.announced()
        if self.where.startswith("127."):
            self.line = socket.create_connection(("127.0.0.1", int(self.where.split(":")[1])))
        else:
            self.line = socket.socket(socket.AF_UNIX)
            self.line.connect(str(work / self.where))
        self.line.settimeout(60)
        self.buffer = b""

    def said(self):
        return (work / "err").read_text()

    def announced(self):
        for _ in range(2000):
            found = re.search("target remote (.*)\n", self.said())
            if found:
                return found[1]
            if self.process.poll() is not None:
                raise RuntimeError(self.said())
            time.sleep(0.02)
        raise RuntimeError("it does not listen")

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        self.line.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def reply(self):
        while True:
            found = re.search(rb"\$([^#]*)#..", self.buffer, re.S)
            if found:
                self.buffer = self.buffer[found.end():]
                self.line.sendall(b"+")
                return found[1].decode("latin-1")
            more = self.line.recv(65536)
            if not more:
                raise EOFError("hung up")
            self.buffer += more

    def ask(self, data):
        self.send(data)
        return self.reply()

    def monitor(self, text):
        """What `monitor TEXT` prints."""
        answer = self.ask("qRcmd," + text.encode().hex())
        try:
            return bytes.fromhex(answer).decode()
        except ValueError:
            return answer

    def number(self, register, size=4):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{register:x}"))[:size], "little")

    def end(self):
        try:
            self.send("k")
        except OSError:
            pass
        self.line.close()
        code = self.process.wait(60)
        self.err.close()
        return code


EIP, ECX, CYCLE, RETIRED = 8, 1, 0x2f, 0x30


def test_addresses():
    for gdb in ("0", ":0", "tcp::0", "tcp:127.0.0.1:0", "tcp::0,server=on,wait=off"):
        d = Debugged(gdb=gdb)
        check(f"--gdb {gdb} listens", d.where.startswith("127.0.0.1:") and d.ask("?")[0] == "T", d.where)
        d.end()
    d = Debugged(gdb="unix:socket")
    check("a Unix socket", d.where == "socket" and d.ask("?")[0] == "T", d.where)
    second = subprocess.run([isochron, "replay", trace, "--gdb", "unix:socket", "-S"], cwd=work,
                            capture_output=True, text=True, timeout=60)
    check("which a second run does not take away", second.returncode == 2 and
          "unix:socket: Address already in use" in second.stderr, second)
    d.process.kill()
    d.process.wait()
    check("a killed run leaves its socket", (work / "socket").exists())
    d = Debugged(gdb="unix:socket")
    check("the next one takes it over", d.ask("?")[0] == "T")
    d.end()
    check("and a run that ends removes it", not (work / "socket").exists())
    (work / "file").write_text("mine")
    taken = subprocess.run([isochron, "replay", trace, "--gdb", "unix:file", "-S"], cwd=work,
                           capture_output=True, text=True, timeout=60)
    check("a file is no socket", taken.returncode == 2 and (work / "file").read_text() == "mine", taken)


def test_description(d):
    supported = d.ask("qSupported:multiprocess+;swbreak+;hwbreak+")
    check("the target is described", "qXfer:features:read+" in supported, supported)
    xml = d.ask("qXfer:features:read:target.xml:0,3fff")
    names = re.findall('reg name="([^"]*)" bitsize="([^"]*)"', xml)
    core = ("eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs st0 st1 st2 st3 st4 st5 st6 st7 "
            "fctrl fstat ftag fiseg fioff foseg fooff fop").split()
    check("the 32 registers of i386.core in their order", [n for n, _ in names[:32]] == core, names)
    rest = {"cr0", "cr2", "cr3", "cr4", "cs_base", "ss_base", "ds_base", "es_base", "fs_base", "gs_base",
            "tr_base", "ldt_base", "gdt_base", "idt_base", "cpl", "cycle", "retired"}
    check("and those of the system", {n for n, _ in names[32:]} == rest, names[32:])
    all_registers = d.ask("g")
    check("g holds them all", len(all_registers) * 4 == sum(int(b) for _, b in names), len(all_registers))
    for number, (name, bits) in enumerate(names):
        one = d.ask(f"p{number:x}")
        check(f"p is what g says: {name}", len(one) * 4 == int(bits) and one in all_registers, one)
    check("and there are no more", d.ask(f"p{len(names):x}") == "E01")


test_addresses()
debugged = Debugged()
test_description(debugged)
debugged.end()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
