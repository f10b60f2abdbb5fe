#!/usr/bin/env python3
"""diff.py: `isochron diff` on documents made here, whose difference is known: code that moved, an
instruction that is new, one that is gone, a function with another name, a number of instances that
does not divide; and on a run and itself. tests/property/diff_adds_up.c has the random ones.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import random
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, work


def path(count, lines, base=0xd0100000, function="send"):
    """lines: (instruction, {cause: cycles}) one after the other."""
    rows = [{"address": base + 4 * i, "symbol": f"{function}+{4 * i:x}" if i else function,
             "instruction": text.replace("BASE", hex(base)), "kind": "kernel", "phase": "kernel",
             "executions": count, "cycles": sum(causes.values()), "u": count, "v": 0, "paired": 0,
             "causes": causes} for i, (text, causes) in enumerate(lines)]
    causes = {}
    for row in rows:
        for cause, n in row["causes"].items():
            causes[cause] = causes.get(cause, 0) + n
    cycles = sum(causes.values())
    return {"count": count, "cycles": cycles, "typical": cycles // count, "min": cycles // count,
            "max": cycles // count, "causes": causes, "symbols": {}, "lines": rows}


def document(name, user, **paths):
    (work / name).write_text(json.dumps({"schema": "isochron-baseline-1",
                                         "accounts": {"user": user}, "named_paths": paths}))
    return name


def diff(a, b, *args):
    code, out, err = isochron("diff", a, b, "--format", "json", *args)
    check(f"{a} and {b} are compared", code == 0, code, err)
    return json.loads(out)


def only(d, name="ipc"):
    return next(p for p in d["paths"] if p["name"] == name)


n = 100
code = [("push ebx", {"issue": n}), ("mov eax, dword ptr [BASE]", {"issue": n, "data.l2": 40}),
        ("add eax, ebx", {}), ("jne BASE <send+10>", {"issue": n, "branch.mispredict": 8}),
        ("ret", {"issue": 2 * n})]
document("a", 1000, ipc=path(n, code))
document("moved", 1000, ipc=path(n, code, base=0xd0234560))
d = only(diff("a", "moved"))
check("code that only moved differs in nothing", d["difference"] == 0 and not d["instructions"], d)

document("new", 1200, ipc=path(n, code[:2] + [("mov ecx, dword ptr [esp]", {"issue": n})] +
                               code[2:], base=0xd0300000))
whole = diff("a", "new")
d = only(whole)
check("an instruction that is new is found, and is all of the difference",
      [(i["status"], i["instruction"], i["difference"]) for i in d["instructions"]] ==
      [("new", "mov ecx, dword ptr [esp]", n)] and d["cost"] == n, d)
check("phases, causes and symbols say so, too",
      d["phases"] == {"kernel": n} and d["causes"] == {"issue": n} and d["symbols"] == {"send": n}, d)
check("accounts and paths sum to the difference",
      whole["difference"] == 300 and whole["accounts"]["user"] == 200, whole["accounts"])
d = only(diff("new", "a"))
check("the other way round it is gone",
      [(i["status"], i["difference"]) for i in d["instructions"]] == [("gone", -n)], d)

document("renamed", 1000, ipc=path(n, code, function="transfer"))
d = only(diff("a", "renamed"))
check("a function with another name is the same", d["difference"] == 0 and not d["instructions"], d)

document("fewer", 1000, ipc=path(7, [("push ebx", {"issue": 7}), ("ret", {"issue": 17})]))
document("more", 1000, ipc=path(10, [("push ebx", {"issue": 11}), ("ret", {"issue": 20})]))
d = only(diff("fewer", "more"))
check("numbers of instances that do not divide: the parts still add up",
      d["instances"] + d["cost"] == d["difference"] == 7 and
      sum(i["difference"] for i in d["instructions"]) == d["cost"], d)

document("other", 1000, ipc=path(n, code), fault=path(3, [("push eax", {"issue": 9})]))
d = only(diff("a", "other"), "fault")
check("a path that only one run has counts whole", d["a"] is None and d["instances"] == 9, d)

bare = json.loads((work / "a").read_text())
del bare["named_paths"]["ipc"]["lines"]
(work / "bare").write_text(json.dumps(bare))
d = only(diff("bare", "new"))
check("without instructions the causes still add up",
      d["cost"] == n and d["rest"]["difference"] == n and d["causes"] == {"issue": n}, d)

for form, mark in (("text", "+ d0300008 send+8"), ("markdown", "new `mov ecx, dword ptr [esp]`")):
    code_, out, err = isochron("diff", "a", "new", "--format", form)
    check(f"as {form}", code_ == 0 and mark in out, out, err)
code_, out, err = isochron("diff", "a", "other", "--path", "nowhere")
check("an unknown path is refused", code_ == 2 and err.count("\n") == 1, err)
code_, out, err = isochron("diff", "a")
check("one run is refused", code_ == 2 and err.count("\n") == 1, err)

source, ends = json.loads((work / "other").read_text()), []
for seed in range(60):
    r, copy = random.Random(seed), json.loads(json.dumps(source))
    at = copy
    while True:
        key = r.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if isinstance(at[key], (dict, list)) and at[key] and r.random() < 0.95:
            at = at[key]
            continue
        at[key] = r.choice([None, -1, 0, 1 << 62, 1.5, "", "0x", "<+", [], {}, [[1]]])
        break
    (work / "bad").write_text(json.dumps(copy))
    code_, out, err = isochron("diff", "bad", "new")
    if code_ not in (0, 2) or (code_ == 2 and err.count("\n") != 1):
        ends.append((seed, code_, err[:200]))
check("random damage is read or refused in one line", not ends, ends[:3])
finish()
