#!/usr/bin/env python3
"""check.py: `isochron check` on documents made here: budgets of every kind, baselines, what is told
of a difference, the verdict on layouts, mistakes. tests/boot/l4_guard.py does it with real kernels.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, work


def document(name, extra=0, walk=0, load=False, where=0xd0100000, lines=True, count=100):
    """One path, ipc: 50 cycles of entry, 10 + extra + walk of kernel; load: one instruction more."""
    code = [("int 0x30", "user", "entry", {"kernel.entry": 50}),
            ("push ebx", "kernel", "kernel", {"issue": 9})]
    if load:
        code += [("mov ecx, dword ptr [esp]", "kernel", "kernel", {"issue": 1})]
    code += [("ret", "kernel", "kernel", {"issue": 1 + extra, "tlb.dtlb": walk})]
    rows, causes = [], {}
    for i, (text, kind, phase, each) in enumerate(code):
        each = {k: n * count for k, n in each.items() if n}
        rows.append({"address": where + i, "symbol": "" if kind == "user" else f"send+{i:x}",
                     "instruction": text, "kind": kind, "phase": phase, "executions": count,
                     "cycles": sum(each.values()), "u": count, "v": 0, "paired": 0, "causes": each})
        for k, n in each.items():
            causes[k] = causes.get(k, 0) + n
    cycles = sum(causes.values())
    path = {"count": count, "cycles": cycles, "typical": cycles // count, "min": cycles // count,
            "max": cycles // count, "instructions": len(code), "code_lines": 3, "data_lines": 2,
            "dtlb_misses": 1 if walk else 0, "causes": causes, "symbols": {"send": cycles},
            "phases": [{"name": "enter", "cycles": 50 * count},
                       {"name": "send", "cycles": cycles - 50 * count}]}
    if lines:
        path["lines"] = rows
    (work / name).write_text(json.dumps({"schema": "isochron-baseline-1", "accounts": {"user": 7},
                                         "named_paths": {"ipc": path}}))
    return name


def budget(run, *lines):
    return isochron("check", run, *(a for line in lines for a in ("--budget", line)))


document("old")
code, out, err = budget("old", "ipc: cycles <= 60, cycles_max <= 60, cycles_min <= 60, ilines <= 3",
                        "ipc: dtlb_miss <= 0, phase.entry <= 50, phase.send <= 10",
                        "ipc: kernel.entry <= 50, issue <= 10, count <= 100, instructions <= 3")
check("budgets that are just met hold", code == 0 and "11 of 11 hold" in out, code, out, err)
document("slow", walk=4)
code, out, err = budget("slow", "ipc: cycles <= 60, dtlb_miss <= 0, phase.entry <= 50",
                        "ipc: phase.send <= 13.5")
check("what is over is told, with phase, instruction and cause",
      code == 3 and "cycles is 64, 4 more than its budget" in out and "1 of 4 hold" in out and
      "entry 50.00, kernel 14.00 (by phase" in out and "`ret` 5.00, tlb.dtlb" in out and
      "phase.send is 14" in out, code, out, err)
(work / "budgets").write_text("# all of it\n\nipc: cycles <= 60 # a bar\nno.such: cycles <= 1\n")
code, out, err = isochron("check", "old", "--budgets", "budgets")
check("a path that did not run is told", code == 3 and "there is no such path in old" in out, out)
for text, what in (("ipc cycles <= 1", "accepted is PATH:"), ("ipc: cycles < 1", "METRIC <= N"),
                   ("ipc: cycles <= 1 x", "METRIC <= N"), ("ipc: moons <= 1", "no 'moons'"),
                   ("ipc: itlb_miss <= 1", "no 'itlb_miss'"),
                   ("ipc: phase.reply <= 1", "no 'phase.reply'"),
                   ("ipc: cycles_p90 <= 60", "no 'cycles_p90'")):
    code, out, err = budget("old", text)
    check(f"'{text}' is refused in one line", code == 2 and what in err and err.count("\n") == 1, err)
(work / "broken").write_text("ipc: cycles <= 60\nipc: cycles = 3\n")
code, out, err = isochron("check", "old", "--budgets", "broken")
check("a broken file with its line", code == 2 and "broken:2" in err and err.count("\n") == 1, err)

# --- baselines ------------------------------------------------------------------------------------

code, out, err = isochron("check", "old", "--baseline", "old")
check("a run equals itself", code == 0 and out == "ok       ipc\n1 of 1 hold\n", out, err)
document("load", load=True, where=0xd0400000)
code, out, err = isochron("check", "load", "--baseline", "old")
check("an instruction more is named, with phase, symbol and cause",
      code == 3 and "typical 60 -> 61 (+1)" in out and "send +1 (by phase of its rule" in out and
      "kernel, send+2: new `mov ecx, dword ptr [esp]`: +1 (issue +1)" in out, out)
code, out, err = isochron("check", "old", "--baseline", "load")
check("a faster run differs, too", code == 3 and "gone `mov ecx" in out, out)
document("bare", lines=False, walk=2)
code, out, err = isochron("check", "bare", "--baseline", "old")
check("without instructions causes and symbols are told",
      code == 3 and "tlb.dtlb +2 (by cause" in out and "send +2.00 (by symbol" in out, out)
for form, mark in (("markdown", "| exceeded | `ipc` | typical 60 -> 61"),
                   ("tap", "not ok 1 - ipc\n# typical"), ("junit", "new `mov ecx, dword ptr")):
    code, out, err = isochron("check", "load", "--baseline", "old", "--format", form)
    check(f"as {form}", code == 3 and mark in out, out)
code, out, err = isochron("check", "load", "--write-baseline", "written")
check("a baseline is written", code == 0, err)
code, out, err = isochron("check", "load", "--baseline", "written")
check("and equals its run, to the instruction", code == 0, out)
old = json.loads((work / "old").read_text())
old["named_paths"]["ipc"]["typical"] = 59 # as the first of them had it
(work / "first").write_text(json.dumps(old))
code, out, err = isochron("check", "old", "--baseline", "first")
check("a baseline from before all durations were counted holds", code == 0, out)
old["named_paths"]["ipc"].update(p50=60, p90=60, p99=61)
(work / "quantiles").write_text(json.dumps(old))
code, out, err = isochron("check", "quantiles", "--baseline", "quantiles", "--budget", "ipc: cycles_p50 <= 60, cycles_p99 <= 61")
check("quantiles have budgets", code == 0, out, err)
code, out, err = isochron("check", "quantiles", "--budget", "ipc: cycles_p99 <= 60")
check("which can be exceeded", code == 3 and "cycles_p99 is 61, 1 more" in out, out, err)
old["named_paths"]["ipc"]["p99"] = 60
(work / "now").write_text(json.dumps(old))
code, out, err = isochron("check", "now", "--baseline", "quantiles")
check("and baselines have them", code == 3 and "p99 61 -> 60 (-1)" in out, out)
code, out, err = isochron("diff", "written", "old", "--format", "json")
check("it keeps the instructions", code == 0 and
      json.loads(out)["paths"][0]["instructions"][0]["status"] == "gone", out[:500])

# --- layouts --------------------------------------------------------------------------------------

document("old2", where=0xd0500000)
for name, change, want in (
        ("code", {"load": True}, "in 2 layouts the mean differs by +1.00, +1.00: it is the code, +1"),
        ("both", {"load": True, "walk": 3}, "+1.00, +4.00: it is the code by +1, and the layout by "
                                            "up to 3 more"),
        ("layout", {}, "+1.00, +0.00: it is the layout, from +0 to +1")):
    document(name, where=0xd0600000, **change)
    code, out, err = isochron("check", "load", "--baseline", "old", "--layout", f"{name}:old2")
    check(f"a difference of the {name} is told", code == 3 and want in out, out, err)
for spec in ("old", ":old", "old:", "a:b:c"):
    code, out, err = isochron("check", "load", "--baseline", "old", "--layout", spec)
    check(f"--layout {spec} is refused", code == 2 and "RUN:BASELINE" in err, err)
code, out, err = isochron("check", "load", "--layout", "old:old")
check("layouts without a baseline are refused", code == 2 and err.count("\n") == 1, err)
code, out, err = isochron("check", "nowhere.json", "--baseline", "old")
check("a run that is not there is refused", code == 2 and err.count("\n") == 1, err)
finish()
