#!/usr/bin/env python3
"""gdb_replay.py: Debian's gdb on a recorded run of our kernel: into an IPC, through it, back and on.

The trace is traces/ipc.iso; where the kernel of this build is not the one that it holds (symbols come from
the ELF file), the same run is recorded anew. gdb runs this file, too: then it has the module gdb. The
last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

try:
    import gdb
except ImportError:
    gdb = None

root = pathlib.Path(__file__).resolve().parents[2]
build = root / "build/release"
isochron = os.path.abspath(os.environ.get("ISOCHRON", build / "isochron"))
passed = failed = 0


def check(name, good, *detail):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f"FAILED: {name}")
    for d in detail:
        print("    " + str(d)[:1500])


# --- inside gdb ---------------------------------------------------------------------------------


def do(command):
    return gdb.execute(command, to_string=True)


def go(command):
    """What gdb says of a stop goes to its standard output alone."""
    log, terminal = tempfile.TemporaryFile(), os.dup(1)
    os.dup2(log.fileno(), 1)
    try:
        gdb.execute(command)
        gdb.flush()
    finally:
        os.dup2(terminal, 1)
        os.close(terminal)
    log.seek(0)
    return log.read().decode()


def value(expression):
    return int(gdb.parse_and_eval(expression))


def place():
    """All that can be seen here; two visits must agree in it."""
    return (value("$eip"), value("$cycle"), value("$retired"), do("info all-registers"),
            do("x/16xw $esp"), do("monitor hash"))


def same(name, here, there):
    check(name, here == there, here[:3], there[:3])


def through_an_ipc():
    """From the fast path's first instruction to the program that gets the message, and back."""
    seen = [place()]
    while value("$cpl") == 0 and len(seen) < 400:
        go("stepi")
        seen.append(place())
    check("the IPC comes out of the kernel", value("$cpl") == 3 and len(seen) > 30, len(seen))
    check("in other cycles", seen[-1][1] > seen[0][1])
    for n in range(len(seen) - 2, -1, -1):
        go("reverse-stepi")
        same(f"reverse-stepi to instruction {n}", place(), seen[n])
    return len(seen) - 1


def hits_back():
    first = place()
    on = [first]
    for _ in range(4):
        go("continue")
        on.append(place())
    check("every hit is a later one", [p[1] for p in on] == sorted({p[1] for p in on}))
    for n in (3, 2, 1, 0):
        said = go("reverse-continue")
        check("gdb says that it is a breakpoint", "Breakpoint" in said and "enter_ipc_fast" in said, said)
        same(f"reverse-continue to hit {n}", place(), on[n])
    go("reverse-continue")
    before = place()
    check("the hit before", before[0] == first[0] and before[1] < first[1])
    go("continue")
    same("and the first again", place(), first)


def watch_back():
    """A word of the kernel's stack: who wrote it last, and what was there before."""
    here = place()
    address = value("$esp") - 4
    do("disable 1")
    do(f"watch *(unsigned *){address:#x}")
    said = go("continue")
    after = re.search(r"Old value = (\d+)\s+New value = (\d+)", said)
    check("a write is met", after, said)
    said = go("reverse-continue")
    before = re.search(r"Old value = (\d+)\s+New value = (\d+)", said)
    check("going back it is undone", before and (before[1], before[2]) == (after[2], after[1]), said)
    said = do(f"monitor writer {address:#x} 4")
    check("the one before it is told", re.search("cycle [0-9]+, CPL", said), said)
    do("delete 2")
    do("enable 1")
    do(f"monitor goto {here[1]}")
    do("maintenance flush register-cache")
    while value("$retired") < here[2]:
        go("stepi")
    same("back where it began", place(), here)


def ends():
    do("delete")
    said = go("reverse-continue")
    check("the begin is told", "No more reverse-execution history" in said, said)
    first = value("$cycle")
    said = go("reverse-stepi")
    check("and stays the begin", "No more reverse-execution history" in said and value("$cycle") == first, said)
    said = go("continue")
    check("the end too", "No more reverse-execution history" in said and value("$cycle") > first, said)


def refusals():
    before = value("$eax")
    for command in ("set var $eax = $eax + 1", "set var *(int *)$esp = 12345"):
        try:
            said = do(command)
        except gdb.error as error:
            said = str(error)
        check(f"refused: {command}", "recorded run" in said or "Cannot access memory" in said, said)
    do("maintenance flush register-cache")
    check("and nothing changed", value("$eax") == before)


def inside_gdb():
    do("set confirm off")
    do("set pagination off")
    go(f"target remote {os.environ['GDB_SOCKET']}")
    said = do("monitor goto enter_ipc_fast#1000")
    check("goto tells where it is", "now at cycle" in said and "enter_ipc_fast" in said, said)
    do("maintenance flush register-cache")
    check("gdb knows the place by name", "enter_ipc_fast" in do("info symbol $eip"))
    check("the registers beside the manual's", all(value(f"${r}") >= 0 for r in
                                                   ("cr3", "gdt_base", "tr_base", "cs_base", "cpl")))
    do("break *enter_ipc_fast")
    steps = through_an_ipc()
    hits_back()
    watch_back()
    refusals()
    path = do("monitor path")
    check("the path so far", "still in it" in path or "and left" in path, path)
    ends()
    print(f"{steps} instructions of an IPC, forth and back")
    print(f"{passed} passed, {failed} failed")
    do("detach")


# --- around it ----------------------------------------------------------------------------------


def symbols_fit(trace):
    """Whether the trace holds the kernel of this build."""
    listing = subprocess.run([isochron, "checkpoint", trace], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256((build / "l4/kernel").read_bytes()).hexdigest()
    return digest in listing


def record(trace):
    """As traces/make does."""
    l4 = build / "l4"
    subprocess.run([isochron, "run", "-kernel", l4 / "kernel", "-initrd", f"{l4}/sigma0,{l4}/measure which=ipc",
                    "--fast-forward", "serial:measure: overhead", "--until-serial",
                    "ipc_small_small words=1 ", "--max-cycles", "300M", "--symbols", l4 / "kernel",
                    "--record", trace, "--serial", "null", "--quiet"], check=True, capture_output=True,
                   timeout=120)


def run_gdb(trace, work):
    socket = work / "socket"
    with open(work / "err", "w") as err:
        replay = subprocess.Popen([isochron, "replay", trace, "--serial", "null", "--quiet", "--hash", "--gdb",
                                   f"unix:{socket}", "-S"], stdout=subprocess.PIPE, stderr=err, text=True)
    while not socket.exists() and replay.poll() is None:
        time.sleep(0.05)
    session = subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", __file__, build / "l4/kernel"], text=True,
                             capture_output=True, timeout=300, env={**os.environ, "GDB_SOCKET": str(socket)})
    out = replay.communicate(timeout=60)[0]
    return session.stdout + session.stderr, out


def main():
    if subprocess.run(["which", "gdb"], capture_output=True).returncode:
        print("gdb is not installed (package gdb)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        trace = root / "traces/ipc.iso"
        if not symbols_fit(trace):
            print("the kernel is not the one in traces/ipc.iso: recorded anew")
            trace = work / "ipc.iso"
            record(trace)
        said, out = run_gdb(trace, work)
        alone = subprocess.run([isochron, "replay", trace, "--serial", "null", "--quiet", "--hash"], text=True,
                               capture_output=True, timeout=60).stdout
        ours = said[:said.rfind("failed") + 6] if " failed" in said else said
        check("a debugged replay ends as another does", "state hash" in out and out == alone, out, alone)
        counts = re.search(r"(\d+) passed, (\d+) failed", ours)
        check("gdb came to the end of its commands", counts, said[-2000:])
        print("\n".join(line for line in ours.splitlines() if "passed" not in line)[-3000:])
        inside = (int(counts[1]), int(counts[2])) if counts else (0, 0)
        print(f"{passed + inside[0]} passed, {failed + inside[1]} failed")
        sys.exit(failed + inside[1] != 0)


inside_gdb() if gdb else main()
