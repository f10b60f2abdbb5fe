#!/usr/bin/env python3
"""observed.py: whoever looks at a run changes nothing of it. Each shipped trace is replayed alone; with all reports
at once; with some of them, by chance; and with a debugger that stops at chance moments, steps, goes back and goes on.
Always the same cycles and the same hash of the whole state.

    tests/cli/observed.py [SEED]

The seed is printed. The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import random
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, program, root, work
from lib.remote import Remote

SEED = int(sys.argv[1]) if sys.argv[1:] else 1
REPORTS = [["--paths"], ["--profile", "--ledger", "l.json"], ["--blame"], ["--timeline", "t.json"],
           ["--window", "enter_ipc_fast#9", "--window-json", "w.json"], ["--d", "int,cr"]]
STOPS = 3


def end_of(text):
    """The last line of a replay, which tells the hash and the cycle."""
    return next((l for l in reversed(text.splitlines()) if l.startswith("state hash")), "")


def replay(trace, *options):
    return isochron("replay", trace, "--serial", "null", "--quiet", "--hash", *options)


def check_reports(trace, alone, chance):
    some = [r for r in REPORTS if chance.random() < 0.5]
    for options in (REPORTS, some):
        flat = [o for r in options for o in r]
        status, out, error = replay(trace, *flat)
        check(f"{trace.name}: {' '.join(flat) or 'nothing'} changes nothing", status == 0 and end_of(out) == alone,
              end_of(out), alone, error[-300:])
    ledger = json.loads((work / "l.json").read_text())
    check(f"{trace.name}: all cycles have their accounts", sum(ledger["causes"].values()) == ledger["cycles"])


def check_debugger(trace, alone, chance):
    """Stops within the first million cycles, where going there and back is quick."""
    socket = work / f"{trace.stem}.socket"
    server = subprocess.Popen([program, "replay", trace, "--serial", "null", "--quiet", "--hash", "--gdb",
                               f"unix:{socket}", "-S"], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    gdb = Remote(socket)
    gdb.ask("qSupported")
    first = int(gdb.monitor("cycles").split()[1].rstrip(",;"))
    for _ in range(STOPS):
        said = gdb.monitor(f"goto {first + chance.randrange(1000000)}")
        check(f"{trace.name}: the debugger goes there", said.startswith("now at cycle"), said)
        for packet in chance.choices(["s", "bs", "g"], k=5):
            gdb.ask(packet)
    gdb.detach()
    out = server.communicate(timeout=120)[0]
    check(f"{trace.name}: a debugger that goes about changes nothing", end_of(out) == alone, end_of(out), alone)


def main():
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    traces = sorted((root / "traces").glob("*.iso"))
    check("there are traces", traces)
    for trace in traces:
        status, out, error = replay(trace)
        alone = end_of(out)
        check(f"{trace.name} replays", status == 0 and alone, error)
        check_reports(trace, alone, chance)
        check_debugger(trace, alone, chance)
    finish()


main()
