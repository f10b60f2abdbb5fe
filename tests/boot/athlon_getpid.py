#!/usr/bin/env python3
"""athlon_getpid.py: Debian's unmodified 686 kernel with its unmodified busybox on the Athlons: 64 warm getpids accounted
for to the last cycle, beside what the guest's own RDTSC says of them; and the whole session by cause, path and miss.

athlon_getpid.py [MACHINE ...]; default: all three. The boot itself runs on the fast model. The last line is 'N passed,
N failed'. ISOCHRON=PATH names another program.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
isochron = os.path.abspath(os.environ.get("ISOCHRON", root / "build/release/isochron"))
passed = failed = 0
MACHINES = {"a64-2200": 2200000, "k7-1400": 1400000, "k7-1400-palomino": 1400000}  # with their clocks, in kHz
SCRIPT = r"""wait "isochron: shell"
wait "# "
send "getpid_loop 1000\n"
wait "# "
send "poweroff\n"
"""


def check(name, good, *detail):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED: {name}", *(str(d)[:1000] for d in detail), sep="\n    ")


def image(name):
    line = subprocess.run([root / "guests/images", name], capture_output=True, text=True, check=True).stdout
    return line.split()[-1]


def command_line(khz):
    return subprocess.run([root / "guests/images", "--cmdline", "vmlinuz-686", str(khz)], capture_output=True,
                          text=True, check=True).stdout.strip()


def run(machine, work):
    (work / "script").write_text(SCRIPT)
    return subprocess.run(
        [isochron, "run", "--quiet", "--machine", machine, "-kernel", image("vmlinuz-686"), "-initrd",
         image("initrd-busybox-static"), "-append", command_line(MACHINES[machine]), "--fast-forward",
         "serial:isochron: shell", "--serial-input", work / "script", "--symbols", image("getpid_loop"), "--window",
         "getpid_loop..getpid_loop_end#10", "--window-json", work / "w.json", "--paths", "--blame", "--profile",
         "--ledger", work / "l.json", "-no-reboot"], capture_output=True, text=True, timeout=1500, errors="replace")


def session(machine, work):
    p = run(machine, work)
    check(f"{machine}: the session ends", p.returncode == 0, p.stderr[-800:])
    if p.returncode:
        return
    said = re.search(r"getpid: 1000 calls, median (\d+) cycles", p.stdout)
    check("the guest has measured", said, p.stdout[-800:])
    window, ledger = json.loads((work / "w.json").read_text()), json.loads((work / "l.json").read_text())
    batch, calls, said = window["cycles"], 64, int(said[1])
    print(f"{machine}: {batch} cycles of {calls} getpids, {batch / calls:.1f} each; the guest's RDTSC says {said}")
    check("every cycle of the calls is an instruction's",
          sum(i["cycles"] for i in window["instructions"]) == batch > 100 * calls)
    check("... with a cause", all(sum(i["causes"].values()) == i["cycles"] for i in window["instructions"]))
    starts = [i["symbol"] for i in window["instructions"]].count("getpid_loop_start")
    check("... of all the calls that the guest measures", starts == calls, starts)
    # it truncates the mean, and its two RDTSC are at most a cycle a call
    check("... and they are what it measures", -1 < said - batch / calls < 1, batch, said)
    check("every cycle of the session has a cause", sum(ledger["causes"].values()) == ledger["cycles"])
    check("misses sum to what was charged for them", ledger["blame"]["cycles"] == sum(
        ledger["causes"].get(c, 0) for c in ("data.l2", "data.dram", "fetch.l2", "fetch.dram", "tlb.itlb", "tlb.dtlb",
                                             "tlb.update")))
    report = subprocess.run([isochron, "report", work / "l.json"], capture_output=True, text=True)
    check("report prints it", report.returncode == 0 and "80 vector -> user" in report.stdout, report.stderr)
    annotated = subprocess.run([isochron, "annotate", work / "l.json", "--path", "80 vector -> user"],
                               capture_output=True, text=True)
    check("annotate tells its instructions", annotated.returncode == 0 and "iretd" in annotated.stdout,
          annotated.stderr)


for name in sys.argv[1:] or MACHINES:
    with tempfile.TemporaryDirectory() as folder:
        session(name, pathlib.Path(folder))
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
