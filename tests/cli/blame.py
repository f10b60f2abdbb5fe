#!/usr/bin/env python3
"""blame.py: --blame as a user meets it: its sums, its tables, its CSV, and what is refused.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import csv
import io
import json
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.checks import check as expect, finish, program as isochron, root, work

CAUSES = ["data.l2", "data.dram", "fetch.l2", "fetch.dram", "tlb.itlb", "tlb.dtlb", "tlb.update"]


def run(*args):
    r = subprocess.run([isochron, *map(str, args)], capture_output=True, text=True, timeout=300)
    return r.returncode, r.stdout, r.stderr


def total(rows, key):
    return sum(r[key] for r in rows)


def check_sums(name, ledger):
    blame = ledger["blame"]
    in_ledger = sum(ledger["causes"].get(c, 0) for c in CAUSES)
    expect(f"{name}: the cycles of all misses are the ledger's", blame["cycles"] == in_ledger,
           (blame["cycles"], in_ledger))
    for table in ("arrays", "matrix"):
        for key in ("misses", "cycles"):
            expect(f"{name}: {table} sums to all {key}", total(blame[table], key) == blame[key],
                   (total(blame[table], key), blame[key]))
    for a in blame["arrays"]:
        expect(f"{name}: kinds of {a['name']}", total(a["kinds"], "misses") == a["misses"]
               and total(a["kinds"], "cycles") == a["cycles"], a)
        if "by_set" in a:
            dirty = sum(k["misses"] for k in a["kinds"] if k["name"] in ("dirty", "fault"))
            expect(f"{name}: sets of {a['name']}",
                   sum(a["by_set"]["misses"]) == a["misses"] - dirty, a)
            conflicts = sum(k["misses"] for k in a["kinds"] if k["name"] == "conflict")
            expect(f"{name}: conflicts by set of {a['name']}",
                   sum(a["by_set"]["conflicts"]) == conflicts, a)
    flushed = sum(r["misses"] for r in blame["matrix"] if r["kind"] == "flush")
    expect(f"{name}: what was flushed has somebody who did it",
           total(blame["flushes"], "misses") == flushed, flushed)


def check_trace(name):
    trace, out = root / "traces" / f"{name}.iso", work / f"{name}.json"
    plain = run("replay", trace, "--serial", "null", "--quiet", "--hash")
    watched = run("replay", trace, "--serial", "null", "--quiet", "--hash", "--blame", "--paths",
                  "--ledger", out)
    expect(f"{name}: --blame changes no state", plain[0] == watched[0] == 0
           and plain[1] == watched[1] and "state hash" in plain[1], watched)
    ledger = json.loads(out.read_text())
    check_sums(name, ledger)
    status, text, error = run("report", out)
    expect(f"{name}: report prints it", status == 0 and "charged to" in text, error)
    section = text[text.index("\nblame:"):text.index("\nplace ")].splitlines()
    expect(f"{name}: a screen and its legend", len(section) < 87 and max(map(len, section)) <= 134, section)
    status, text, error = run("report", out, "--format", "blame")
    rows = list(csv.DictReader(l for l in text.splitlines() if l[0] != "#"))
    expect(f"{name}: the CSV has the same sums", status == 0 and
           sum(int(r["cycles"]) for r in rows) == ledger["blame"]["cycles"] and
           sum(int(r["misses"]) for r in rows) == ledger["blame"]["misses"], error)
    return ledger


# In ping-pong across spaces all but a few TLB misses come from the two spaces' writes to CR3.
ipc = check_trace("ipc")
rows = ipc["blame"]["matrix"]
tlb = sum(r["misses"] for r in rows if "tlb" in r["array"])
cr3 = sum(r["misses"] for r in rows if "tlb" in r["array"] and r["by"] == "CR3 write")
expect("ipc: TLB misses are the CR3 writes'", tlb > 1000 and cr3 / tlb > 0.99, (cr3, tlb))
check_trace("fault")

# A part of a run, counted from warm caches on.
part = work / "part.json"
status, _, error = run("replay", root / "traces/ipc.iso", "--from", "20M", "--to", "40M",
                       "--serial", "null", "--quiet", "--blame", "--ledger", part)
expect("a part of a trace", status == 0, error)
check_sums("part", json.loads(part.read_text()))

# Mistakes.
status, _, error = run("run", "-kernel", "/dev/null", "--blame", "--model", "flat")
expect("flat has no caches", status == 2 and "--blame" in error and "p5" in error, error)
plain = work / "plain.json"
run("replay", root / "traces/fault.iso", "--serial", "null", "--quiet", "--ledger", plain)
status, _, error = run("report", plain, "--format", "blame")
expect("a ledger without blame says so", status == 2 and "--blame" in error, error)

DAMAGES = [
    ("a cell of the matrix", lambda b: b["matrix"][0].__setitem__("cycles", 1 << 40)),
    ("a row without its kind", lambda b: b["matrix"][0].pop("kind")),
    ("an array's kinds", lambda b: b["arrays"][0]["kinds"][0].__setitem__("misses", 0)),
    ("no matrix", lambda b: b.pop("matrix")),
    ("a list that is none", lambda b: b.__setitem__("flushes", 7)),
    ("cycles that are text", lambda b: b.__setitem__("cycles", "many")),
    ("all its cycles", lambda b: [b.__setitem__("cycles", b["cycles"] + 1),
                                  b["arrays"][0].__setitem__("cycles",
                                                             b["arrays"][0]["cycles"] + 1),
                                  b["arrays"][0]["kinds"][0].__setitem__(
                                      "cycles", b["arrays"][0]["kinds"][0]["cycles"] + 1),
                                  b["matrix"][0].__setitem__("cycles",
                                                             b["matrix"][0]["cycles"] + 1)]),
]
for what, damage in DAMAGES:
    broken = json.loads((work / "fault.json").read_text())
    damage(broken["blame"])
    (work / "broken.json").write_text(json.dumps(broken))
    status, out, error = run("report", work / "broken.json")
    expect(f"damaged: {what}", status == 2 and len(error.splitlines()) == 1 and
           re.search("damaged|sum to", error), (status, error))

finish()
