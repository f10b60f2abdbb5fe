#!/usr/bin/env python3
"""l4_guard.py: `isochron check` on the paths of our own kernel: a run equals its own baseline, budgets
that hold and budgets that do not, a kernel with its fast path switched off is found and explained, and
the example for continuous integration catches a commit.

BUILD names the build (build/release). The last line is 'N passed, N failed'.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("BUILD", root / "build/release"))
os.environ["ISOCHRON"] = str(build / "isochron")
sys.path.insert(0, str(root / "tests/cli/lib"))
from checks import check, finish, isochron, work  # noqa: E402

rules = root / "guests/measure/paths.ini"


def measure(ledger, options="", kept=0):
    l4 = build / "l4"
    kernel = l4 / "kernel"
    code, out, err = isochron(
        "run", "-kernel", kernel, "-append", options, "--set", f"ram.kept={kept}", "-initrd",
        f"{l4}/sigma0,{l4}/measure which=ipc", "--until-serial", "ipc_small_small words=2 ",
        "--profile", "--symbols", kernel, "--serial", "null", "--quiet", "--ledger", ledger,
        "--max-cycles", "300M")
    check(f"the run of {ledger} ends", code == 0, code, out, err)


def verdict(ledger, *args):
    return isochron("check", ledger, "--rules", rules, *args)


measure("a.json")
code, out, err = verdict("a.json", "--write-baseline", "base.json")
check("a baseline is written", code == 0, err)
code, out, err = verdict("a.json", "--baseline", "base.json")
check("a run equals its own baseline", code == 0 and "EXCEEDED" not in out, out, err)
code, out, err = isochron("diff", "base.json", "a.json", "--rules", rules, "--format", "json")
check("and a baseline has the instructions of its run", code == 0 and not any(
      p["instructions"] or p["rest"]["difference"] for p in json.loads(out)["paths"]), out[:500], err)
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
      "(by cause, each time)" in out and "(by symbol, each time)" in out, out)

# The kernel's own pages elsewhere, as a commit has them that takes three at the top of memory: a walk more in each
# message, or one less, and not an instruction differs. Wherever its code is linked, that looks like the code's.
measure("three.json", kept=3)
measure("six.json", kept=6)
code, out, err = verdict("three.json", "--baseline", "a.json", "--layout", "six.json:three.json")
fast = out[out.find("EXCEEDED ipc.fast.cross_space"):]
same = isochron("diff", "a.json", "three.json", "--rules", rules, "--format", "json")[1]
lines = [i for p in json.loads(same)["paths"] if p["name"] == "ipc.fast.cross_space" for i in p["instructions"]]
check("pages of other colours: no instruction is new or gone", code == 3 and lines and
      not any(i["status"] in ("new", "gone") for i in lines), [i["status"] for i in lines])
check("and it is told that it is the layout", "by symbol" in fast and "in 2 layouts the mean differs by " in fast and
      ": it is the layout, from -" in fast.split("EXCEEDED")[1], fast[:1500])

# The example for continuous integration, as a kernel project would run it: a commit that adds a load
# to the path of a short message is caught, and explained.
guard = root / "sim/report/examples/guard/guard"


def tree(name, change=("", "")):
    """The kernel's sources with one piece of the fast path's text replaced."""
    to = work / name
    shutil.copytree(root / "kernel", to / "kernel")
    (to / "guests/native").mkdir(parents=True)
    shutil.copy(root / "guests/native/div64.c", to / "guests/native")
    shutil.copytree(root / "guests/lib/include", to / "guests/lib/include")
    fast_path = to / "kernel/arch/fast_path.S"
    before = fast_path.read_text()
    fast_path.write_text(before.replace(*change, 1))
    check(f"the tree {name} is what it says", (fast_path.read_text() != before) == any(change))
    return to


def run_guard(base, head):
    p = subprocess.run([guard, base, head, work / "report.md"], capture_output=True, text=True,
                       timeout=600, stdin=subprocess.DEVNULL,
                       env=os.environ | {"ISOCHRON": str(build / "isochron"),
                                         "SERVERS": str(build / "l4")})
    return p.returncode, p.stdout, p.stderr


base, entry = tree("base"), "\nenter_ipc_fast:\n"
head = tree("load", (entry, entry + "        testl   %eax, (%esp)\n"))
code, out, err = run_guard(base, head)
begin = out.find("EXCEEDED")
first = out[begin:out.find("EXCEEDED", begin + 1)]
check("one load more in the path of a message is caught", code == 3, code, out, err)
check("first of all, with path, phase, instruction and cause",
      first.startswith("EXCEEDED ipc.fast.cross_space") and
      "kernel, enter_ipc_fast: new `test dword ptr [esp], eax`" in first and
      "issue +1" in first, first)
check("it is the code's, wherever it lies and whatever pages it has",
      "in 3 layouts the mean differs by" in first and "it is the code, +" in first, first)
report = (work / "report.md").read_text()
check("the report for the pull request says it, too",
      report.startswith("### Kernel paths: ") and "new `test dword ptr [esp], eax`" in report, report)
finish()
