#!/usr/bin/env python3
"""l4_guard.py: `isochron check` on the paths of our own kernel: a run equals its own baseline, budgets
that hold and budgets that do not, and a kernel with its fast path switched off is found and explained.

BUILD names the build (build/release). The last line is 'N passed, N failed'.
"""
import atexit
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("BUILD", root / "build/release"))
work = pathlib.Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, work, ignore_errors=True)
rules = root / "guests/measure/paths.ini"
passed = failed = 0


def check(name, good, *detail):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED: {name}")
        for d in detail:
            print("    " + str(d)[:1500].replace("\n", "\n    "))


def isochron(*args):
    p = subprocess.run([build / "isochron", *map(str, args)], capture_output=True, text=True,
                       timeout=120, cwd=work, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout, p.stderr


def built_kernel(name, change=("", "")):
    """A kernel from the sources, with one piece of the fast path's text replaced."""
    tree = work / name
    shutil.copytree(root / "kernel", tree / "kernel")
    (tree / "guests/native").mkdir(parents=True)
    shutil.copy(root / "guests/native/div64.c", tree / "guests/native")
    fast_path = tree / "kernel/arch/fast_path.S"
    fast_path.write_text(fast_path.read_text().replace(*change, 1))
    for command in (["cmake", "-Wno-dev", "-S", "kernel", "-B", "built"],
                    ["cmake", "--build", "built", "-j2"]):
        p = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        check(f"the kernel {name} builds", p.returncode == 0, p.stdout[-800:], p.stderr[-800:])
    return tree / "built/l4/kernel"


def measure(ledger, options="", kernel=None):
    l4 = build / "l4"
    kernel = kernel or l4 / "kernel"
    code, out, err = isochron(
        "run", "-kernel", kernel, "-append", options, "-initrd",
        f"{l4}/sigma0,{l4}/measure which=ipc", "--until-serial", "ipc_small_small words=2 ",
        "--paths", "--symbols", kernel, "--serial", "null", "--quiet", "--ledger", ledger,
        "--max-cycles", "300M")
    check(f"the run of {ledger} ends", code == 0, code, out, err)


def verdict(ledger, *args):
    return isochron("check", ledger, "--rules", rules, *args)


measure("a.json")
code, out, err = verdict("a.json", "--write-baseline", "base.json")
check("a baseline is written", code == 0, err)
code, out, err = verdict("a.json", "--baseline", "base.json")
check("a run equals its own baseline", code == 0 and "EXCEEDED" not in out, out, err)
measure("again.json")
code, out, err = verdict("again.json", "--baseline", "a.json")
check("the same run again equals it, given as a ledger", code == 0, out, err)

paths = json.loads((work / "base.json").read_text())["named_paths"]
fast = paths["ipc.fast.cross_space"]
(work / "held").write_text("# bars\nipc.fast.cross_space: cycles <= %d, cr3_writes <= 1\n"
                           % fast["typical"])
code, out, err = verdict("a.json", "--budgets", "held")
check("a budget that is just met holds", code == 0 and "2 of 2 hold" in out, out, err)
(work / "missed").write_text("ipc.fast.cross_space: cycles <= %d\nno.such: cycles <= 1\n"
                             % (fast["typical"] - 1))
code, out, err = verdict("a.json", "--budgets", "missed")
check("one cycle less is exceeded, and its causes are told",
      code == 3 and "1 more than its budget" in out and "kernel.entry" in out, code, out, err)
check("a path that did not run is told", "there is no such path" in out, out)
for form, mark in (("tap", "not ok 1 - "), ("junit", "<failure>"), ("markdown", "| exceeded |")):
    code, out, err = verdict("a.json", "--budgets", "missed", "--format", form)
    check(f"as {form}", code == 3 and mark in out, out, err)
(work / "broken").write_text("ipc.fast.cross_space: cycles < 3\n")
code, out, err = verdict("a.json", "--budgets", "broken")
check("a broken budget is refused in one line", code == 2 and err.count("\n") == 1, code, err)
(work / "bad.ini").write_text("[x]\nwhat = 1\n")
code, out, err = isochron("check", "a.json", "--rules", "bad.ini", "--budgets", "held")
check("a broken rule is refused in one line", code == 2 and "bad.ini:2" in err, code, err)

measure("slow.json", "fastpath=off")
code, out, err = verdict("slow.json", "--baseline", "base.json")
check("a kernel without its fast path is found", code == 3 and "ipc.fast.cross_space" in out, out)
check("and what differs is told by cause and symbol",
      "by cause, per instance" in out and "by symbol, per instance" in out, out)

# A commit that adds one load to the path of a short message.
measure("plain.json", kernel=built_kernel("plain"))
entry = "\nenter_ipc_fast:\n"
measure("load.json", kernel=built_kernel("load", (entry, entry + "        testl   %eax, (%esp)\n")))
code, out, err = verdict("load.json", "--baseline", "plain.json")
check("one load more in the path of a message is found",
      code == 3 and "EXCEEDED ipc.fast.cross_space" in out, out)
check("and named", "enter_ipc_fast +" in out, out)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
