#!/usr/bin/env python3
"""gdb_packets.py: the debugger's port, packet by packet: where it listens, what it answers, what it refuses.

Debian's gdb has its own test (gdb_replay.py); here the packets are written by hand, wrong ones too, on the
shipped trace traces/ipc.iso. The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import re
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from lib.checks import check, finish, program as isochron, root, work

trace = root / "traces/ipc.iso"


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


def place(d):
    """Where it stands, and with what: EIP, cycle, instructions, and all registers."""
    return d.number(EIP), d.number(CYCLE, 8), d.number(RETIRED, 8), d.ask("g"), d.monitor("hash")


def test_back_and_on(d):
    supported = d.ask("qSupported")
    check("a replay can go back", "ReverseStep+;ReverseContinue+" in supported, supported)
    first = place(d)
    check("before the begin there is nothing", d.ask("bs") == "T05replaylog:begin;thread:01;")
    check("nor when looking for something", d.ask("bc") == "T05replaylog:begin;thread:01;")
    check("and nothing has moved", place(d) == first)
    seen = [first]
    for _ in range(40):
        check("a step", d.ask("s") == "T05thread:01;")
        seen.append(place(d))
    for n in range(39, -1, -1):
        stop = d.ask("bs")
        here = place(d)
        check(f"a step back is where it was, {n}", stop == "T05thread:01;" and here == seen[n], stop,
              here[:3], seen[n][:3])
    check("time stands between", seen[40][1] > seen[0][1] and seen[40][2] >= seen[0][2] + 30, seen[40][1:3])


def hits(d, count, packet="vCont;c"):
    """Places of the next hits."""
    found = []
    for _ in range(count):
        stop = d.ask(packet)
        found.append((stop, *place(d)))
    return found


def test_breaks_back(d):
    d.monitor("goto 0x" + "0")
    again = d.monitor("goto enter_ipc_fast#1000")
    check("goto the 1000th arrival", "enter_ipc_fast" in again and "now at cycle" in again, again)
    address = d.number(EIP)
    check("Z", d.ask(f"Z0,{address:x},1") == "OK")
    here = ("T05hwbreak:;thread:01;", *place(d))
    on = [here] + hits(d, 5)
    check("each arrival is another", len({h[2] for h in on}) == 6)
    back = hits(d, 5, "bc")
    check("back they are the same", back == on[4::-1], [h[1:4] for h in back], [h[1:4] for h in on])
    check("and on again", hits(d, 5) == on[1:])
    d.ask(f"z0,{address:x},1")
    count = d.monitor("goto enter_ipc_fast#1005")
    check("five arrivals on is the 1005th", place(d) == on[5][1:], count, place(d)[:3], on[5][1:4])


def test_watches_back(d):
    d.monitor("goto enter_ipc_fast#1000")
    stack = d.number(4) - 4
    kind = d.ask(f"Z2,{stack:x},4")
    stops = hits(d, 4)
    check("writes are met", kind == "OK" and all(h[0] == f"T05watch:{stack:x};thread:01;" for h in stops),
          stops[0][0])
    at = place(d)
    written = d.ask(f"m{stack:x},4")
    back = hits(d, 3, "bc")
    check("and met again going back", all(h[0] == f"T05watch:{stack:x};thread:01;" for h in back), back[0][0])
    check("before the write", back[0][2] < at[1] and d.ask("s")[:3] == "T05")
    d.ask(f"z2,{stack:x},4")
    for n, met in enumerate(back):
        d.monitor(f"goto {met[2]}")
        while place(d)[1:3] < met[2:4]:
            d.ask("s")
        d.ask("s")
        check(f"one step on it has been done, {n}", place(d)[1:] == stops[3 - n][2:], place(d)[1:3],
              stops[3 - n][2:4])
    writer = d.monitor(f"writer {stack:#x} 4")
    check("writer tells the instruction", "CPL 0" in writer and re.search("cycle [0-9]+", writer), writer)
    check("the value is a value", len(written) == 8, written)


def test_edges(d):
    last = int(re.search("to ([0-9]+)\n", d.monitor("cycles"))[1])
    d.monitor(f"goto {last}")
    end = place(d)
    check("at the end there is no more", d.ask("c") == "T05replaylog:end;thread:01;" and place(d) == end)
    check("not one step", d.ask("s") == "T05replaylog:end;thread:01;" and place(d) == end)
    check("but a step back", d.ask("bs") == "T05thread:01;" and place(d)[1] < end[1])
    check("and on", d.ask("s") == "T05thread:01;" and place(d) == end)
    check("a far goto", "is outside: accepted are" in d.monitor("goto 99G"))
    half = d.monitor(f"goto {last // 2}")
    at = re.search("now at cycle ([0-9]+)", half)
    check("goto a cycle", at and 0 <= int(at[1]) - last // 2 < 100, half)
    check("on to the end", d.ask("vCont;c") == "T05replaylog:end;thread:01;" and place(d) == end)


def test_refusals(d):
    before = place(d)
    eip = d.ask(f"p{EIP:x}")
    check("what is the same may be written", d.ask(f"P{EIP:x}={eip}") == "OK")
    check("a register", d.ask("P0=deadbeef").startswith("E.a recorded run stays as it was"))
    check("all registers", d.ask("G" + "55" * 16).startswith("E.a recorded run"))
    check("memory", d.ask("M1000,1:55").startswith("E.a recorded run"))
    check("memory in binary", d.ask("X1000,1:U").startswith("E.a recorded run"))
    check("a jump", d.ask("c1000").startswith("E.a recorded run"))
    check("and stderr says so", "nothing is written: a recorded run" in d.said())
    check("nothing has changed", place(d) == before)
    for packet, answer in (("b", "E01"), ("bx", "E01"), ("bss", "E01"), ("bcc", "E01"), ("Z9,0,0", ""),
                           ("vCont;x", "E01"), ("qRcmd,6", "E01"), ("p", "E01"), ("m0", "E01"), ("", "")):
        reply = d.ask(packet)
        check(f"packet {packet!r}", reply == answer, reply)
    d.line.sendall(b"$bs#00")
    check("a wrong check sum is asked for again", d.line.recv(10) == b"-")
    check("and moves nothing", place(d) == before)


def test_monitor(d):
    text = d.monitor("help")
    names = re.findall("^monitor ([a-z-]+)", text, re.M)
    check("help lists the commands", {"help", "cycles", "hash", "where", "goto", "path", "writer", "evictor", "translate",
                                      "cache", "segments", "idt", "irq"} <= set(names), text)
    for name in names:
        one = d.monitor(f"help {name}")
        check(f"help {name}", one.startswith(f"monitor {name}") and len(one) > len(name) + 20, one)
    before = place(d)
    for command, answer in (
            ("nosuch", "there is no command 'nosuch'; `monitor help` lists them"),
            ("help nosuch", "there is no command 'nosuch'"), ("hash x", "monitor hash takes no argument"),
            ("goto", "where to?"), ("goto soon", "where to?"), ("goto nosuch#1", "no symbol 'nosuch'"),
            ("goto enter_ipc_fast#0", "from 1 on"), ("goto enter_ipc_fast#x", "from 1 on"),
            ("goto enter_ipc_fast#99999999", "enter_ipc_fast is reached only"),
            ("writer", "which address?"), ("writer 0x1000 3", "accepted are 1, 2 and 4"),
            ("writer nosuch", "'nosuch' is no address and no symbol"), ("translate", "which address?"),
            ("translate 0xffffffffff", "is no address"), ("translate enter_ipc_fast", "is physical"),
            ("cache enter_ipc_fast", "code TLB"), ("idt 256", "accepted are 0 to 255"), ("idt 13", "#GP"),
            ("segments", "GDTR base"), ("irq", "INTR"), ("where", "privilege level"),
            ("idt", "#PF page fault"), ("evictor", "which address?"), ("evictor 0xf0000000", "is no memory"),
            ("evictor enter_ipc_fast", "L1I")):
        said = d.monitor(command)
        check(f"monitor {command}", answer in said, said)
    check("none of it moves anything", place(d) == before)


def test_path(d):
    """In the middle of an IPC, and behind it: the sums are the cycles that have elapsed."""
    d.monitor("goto enter_ipc_fast#2000")
    for steps in (0, 1, 5, 20, 60):
        for _ in range(steps):
            d.ask("s")
        before = place(d)
        said = d.monitor("path")
        begin = int(re.search("entered at cycle ([0-9]+)", said)[1])
        elapsed = int(re.search("after ([0-9]+) cycles", said)[1])
        total = int(re.search("  sum +([0-9]+)", said)[1])
        rows = said[said.index("where, in order"):].splitlines()[1:]
        check(f"path after {steps} steps", total == elapsed and sum(int(r.split()[-1]) for r in rows) == total,
              said)
        still = "still in it" in said
        check("of this instance", (begin + elapsed == before[1]) if still else begin + elapsed <= before[1], said)
        check("and moves nothing", place(d) == before)


def test_observers():
    """Reports only go on: with them there is no way back."""
    d = Debugged("--paths")
    check("no reverse packets", "Reverse" not in d.ask("qSupported"))
    check("they are not known", d.ask("bs") == "")
    check("and goto says why", "cannot go back: reports and logs follow it" in d.monitor("goto 1"))
    d.end()


def state_at_end(*options):
    p = subprocess.run([isochron, "replay", str(trace), "--serial", "null", "--quiet", "--hash", *options],
                       capture_output=True, text=True, timeout=60)
    return p.stdout


def test_law():
    """Whatever the debugger does, the run ends as it does without one."""
    d = Debugged("--hash")
    d.monitor("goto enter_ipc_fast#500")
    for packet in ("bs", "s", "bs", "bs", "Z2,0,4", "bc", "c"):
        d.ask(packet)
    d.monitor("path")
    d.ask("z2,0,4")
    d.monitor("goto enter_ipc_fast#300")
    check("the debugger leaves", d.ask("D") == "OK")
    out = d.process.communicate(timeout=60)[0].decode()
    check("and the end is the same", "state hash" in out and out == state_at_end(), out, state_at_end())
    d.line.close()


def test_serial_once():
    """What is lived again is not printed again."""
    d = Debugged(command=("replay", str(trace), "--serial", "file:serial"))
    d.ask("c")
    for _ in range(2):
        d.monitor("goto 0")
        d.monitor("goto enter_ipc_fast#10")
        d.ask("bc")
    d.ask("c")
    d.end()
    subprocess.run([isochron, "replay", str(trace), "--serial", "file:alone", "--quiet"], cwd=work, timeout=60)
    check("one line, once", (work / "serial").read_bytes() == (work / "alone").read_bytes() != b"",
          (work / "serial").read_bytes(), (work / "alone").read_bytes())


def test_at():
    """replay --at: one instance of a path, found by its name."""
    ends = []
    for n in (100, 101):
        p = subprocess.run([isochron, "replay", str(trace), "--serial", "null", "--quiet", "--hash", "--at",
                            f"ipc.fast.cross_space#{n}", "--paths"], capture_output=True, text=True, timeout=120)
        ends.append(int(re.search("at cycle ([0-9]+)", p.stdout)[1]))
        check(f"instance {n} is all there is", p.returncode == 0 and "1 instances of 1" in p.stdout and
              "ipc.fast.cross_space" in p.stdout, p.stdout[:3000], p.stderr)
    check("the next one is later", ends[0] < ends[1], ends)
    for which, answer in (("nosuch#1", "there are 0 instances"), ("ipc.fast.cross_space#x", "accepted is NAME#N")):
        p = subprocess.run([isochron, "replay", str(trace), "--serial", "null", "--at", which],
                           capture_output=True, text=True, timeout=120)
        check(f"--at {which}", p.returncode == 2 and answer in p.stderr and p.stderr.count("\n") == 1, p.stderr)


test_at()
test_addresses()
debugged = Debugged()
test_description(debugged)
for test in (test_back_and_on, test_breaks_back, test_watches_back, test_edges, test_refusals, test_monitor,
             test_path):
    test(debugged)
check("the run can be ended", debugged.end() == 0)
test_observers()
test_law()
test_serial_once()
finish()
