#!/usr/bin/env python3
"""athlon.py: a run on the a64-2200 from its recording through every report: verify, replay with paths, blame and
profile, report, annotate, explain, diff, Konata's file, and a debugger that steps back.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import collections
import json
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, program, root, work
from lib.kanata import mistakes
from lib.remote import Remote

L4 = root / "build/release/l4"
CAUSES = ["data.l2", "data.dram", "fetch.l2", "fetch.dram", "tlb.itlb", "tlb.dtlb", "tlb.update"]


def total(rows, key):
    return sum(r[key] for r in rows)


def record(name, *more):
    """Four processes in a ring, as far as the second of its cells."""
    status, _, error = isochron("run", "--machine", "a64-2200", "-kernel", L4 / "kernel", "-initrd",
                                f"{L4}/sigma0,{L4}/ring spaces=large", "--fast-forward", "serial:measure: overhead",
                                "--max-cycles", "175M", "--symbols", L4 / "kernel", "--symbols", L4 / "ring",
                                "--record", name, "--serial", "null", "--quiet", *more)
    check(f"{name} is recorded", status == 124, error)
    status, out, error = isochron("verify", name)
    check(f"{name} is the same run once more", status == 0 and "the same run" in out, out, error)


def ledger_of(trace, name):
    status, _, error = isochron("replay", trace, "--paths", "--blame", "--profile", "--timeline", f"{name}.timeline",
                                "--ledger", name, "--serial", "null", "--quiet", timeout=300)
    check(f"{trace} replays with everything watched", status == 0, error)
    return json.loads((work / name).read_text())


def check_blame(ledger):
    blame = ledger["blame"]
    check("the cycles of all misses are the ledger's",
          blame["cycles"] == sum(ledger["causes"].get(c, 0) for c in CAUSES))
    for table in ("arrays", "matrix"):
        for key in ("misses", "cycles"):
            check(f"{table} sums to all {key}", total(blame[table], key) == blame[key])
    for a in blame["arrays"]:
        check(f"kinds of {a['name']}", total(a["kinds"], "misses") == a["misses"])
    names = {a["name"] for a in blame["arrays"] if a["misses"]}
    check("both levels of caches and TLBs are missed", {"l1i", "l1d", "l2", "dtlb", "dtlb2"} <= names, names)


def flushed(ledger):
    """TLB misses that a write to CR3 made."""
    return sum(r["misses"] for r in ledger["blame"]["matrix"] if "tlb" in r["array"] and r["by"] == "CR3 write")


def check_keys():
    """Timings and geometry are listed, and overridden by what is listed."""
    status, listing, _ = isochron("machines", "a64-2200")
    keys = re.findall(r"^  (\S+)\s+\d+ ", listing, re.M)
    check("the machine lists its keys", {"l2.latency", "mispredict", "dram.hit_ps", "itlb_large.ways"} <= set(keys), keys)
    chase = ("cycles", "--machine", "a64-2200", "--json", "--asm", "mov ebx,[ebx]", "--setup",
             "lea ebx,[buf]; mov [ebx],ebx", "--set")
    plain, narrow = (json.loads(isochron(*chase, v)[1] or "{}").get("cycles") for v in ("seed=1", "lane.entries=4"))
    check("a load takes three clocks whatever is set", plain == narrow == 3, plain, narrow)
    branch = ("cycles", "--machine", "a64-2200", "--json", "--asm",
              "imul eax,eax,1103515245; add eax,12345; bt eax,30; jc 1f; nop; 1:", "--set")
    few, many = (json.loads(isochron(*branch, v)[1] or "{}").get("cycles") for v in ("mispredict=1", "mispredict=100"))
    check("a misprediction costs what is set", few and many > few + 20, few, many)
    status, _, error = isochron("run", "-kernel", "x", "--machine", "p133", "--set", "l2.latency=9")
    check("a Pentium has no such key", status == 2 and "no such key" in error, error)
    status, _, error = isochron("run", "-kernel", "x", "--machine", "a64-2200", "--set", "l2.size=0")
    check("exclusive caches have a second level", status == 2 and "l2.size" in error, error)


def check_annotate(name):
    status, text, error = isochron("annotate", name, "--format", "json")
    rows = json.loads(text)["instructions"] if status == 0 else []
    check("annotate tells instructions", len(rows) > 20, error)
    check("each with lane and unit, and no pipes", all(re.fullmatch(r"[a-z+]+( [0-2](/[0-2])*)?", r["units"])
                                                       for r in rows if r["u"]))
    check("each cycle has its cause", all(sum(r["causes"].values()) == r["cycles"] for r in rows))
    status, text, _ = isochron("annotate", name)
    check("as text, too", status == 0 and re.search(r" (alu|agu) [0-2]", text) and " rom " in text, text[:600])


def check_explain(trace):
    status, text, error = isochron("explain", trace, "--ideal", "same", "--format", "json")
    same = json.loads(text) if status == 0 else {"cycles": 0, "ideal": []}
    check("nothing ideal comes to the run", same["ideal"] and all(i["cycles"] == same["cycles"]
                                                                  for i in same["ideal"]), error, text[:300])
    status, text, error = isochron("explain", trace, "--cells", "ring_cell", "--format", "json")
    cells = json.loads(text)["cells"] if status == 0 else []
    check("cells", cells, error)
    return cells


def check_kanata(trace):
    status, _, error = isochron("replay", trace, "--serial", "null", "--quiet", "--window",
                                "enter_sysenter..leave_sysexit#20", "--symbols", L4 / "kernel", "--window-json", "w")
    status, _, error = isochron("export", "w", "--format", "kanata", "--out", "w.kanata") if not status else (1, 0, error)
    check("a window becomes Konata's", status == 0, error)
    if status:
        return
    lines = (work / "w.kanata").read_text().split("\n")
    wrong = list(mistakes(lines))
    check("every line is one of the format's", not wrong, wrong[:5])
    code = json.loads((work / "w").read_text())["instructions"]
    now, begun, retired = 0, collections.defaultdict(dict), {}
    owner = {}
    for line in lines[2:-1]:
        command, *a = line.split("\t")
        if command == "C":
            now += int(a[0])
        elif command == "I":
            owner[int(a[0])] = int(a[1])
        elif command == "S":
            begun[int(a[0])][a[2]] = now
        elif command == "R":
            retired[int(a[0])] = now
    check("every micro-operation comes and goes", sorted(begun) == sorted(retired) == list(range(len(begun))))
    check("each instruction has its micro-operations", collections.Counter(owner.values()) ==
          {i: max(1, len(e["micros"])) for i, e in enumerate(code)})
    first = min(e["stages"][0] for e in code)
    stages = [list(begun[i].values()) for i in begun]
    check("stages follow each other", all(s == sorted(s) for s in stages))
    check("in the clocks that the model says", all(
        begun[i]["F"] == code[owner[i]]["stages"][0] - first and
        retired[i] == code[owner[i]]["stages"][5] - first for i in begun))
    check("retirement is in order", [retired[i] for i in sorted(retired)] == sorted(retired.values()))


def check_gdb(trace):
    path = str(work / "socket")
    with subprocess.Popen([program, "replay", trace, "--serial", "null", "--quiet", "--gdb", f"unix:{path}", "-S"],
                          cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        g = Remote(path)
        said = g.monitor("goto 150M")
        check("goto a cycle", "cycle" in said, said)
        seen = [g.ask("g")]
        for _ in range(12):
            g.ask("s")
            seen.append(g.ask("g"))
        back = []
        for _ in range(12):
            g.ask("bs")
            back.append(g.ask("g"))
        check("steps back come to the same registers", len(set(seen)) > 4 and back == seen[-2::-1])
        g.detach()
        p.wait(timeout=60)
        g.line.close()


check_keys()
record("filter.iso")
record("flush.iso", "--set", "flush_filter=0")
with_filter, without = ledger_of("filter.iso", "filter.json"), ledger_of("flush.iso", "flush.json")
check_blame(with_filter)
check_blame(without)
check("the flush filter keeps what CR3 writes would empty", flushed(without) > 2 * flushed(with_filter),
      flushed(without), flushed(with_filter))
status, text, error = isochron("report", "filter.json")
check("report prints it", status == 0 and "charged to" in text, error)
check_annotate("filter.json")
cells, cells_flushed = check_explain("filter.iso"), check_explain("flush.iso")
if cells and cells_flushed:
    check("without the filter surviving entries would save",
          min(c["ideal"]["tagged"] for c in cells_flushed) < min(c["ideal"]["tagged"] for c in cells),
          cells, cells_flushed)
status, text, error = isochron("diff", "filter.json", "flush.json")
check("diff tells them apart by what walks cost", status == 0 and "tlb." in text, text[:400], error)
check_kanata("filter.iso")
check_gdb("filter.iso")
finish()
