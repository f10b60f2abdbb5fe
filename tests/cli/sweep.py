#!/usr/bin/env python3
"""sweep.py: `isochron sweep` on a shipped trace: the same table twice, the same figures in every format,
more misses in smaller caches, and what cannot be swept is refused in one line.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import csv
import io
import json
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, root

trace, path = root / "traces/fault.iso", "page_fault.user_pager"
rules = ["--rules", root / "guests/measure/paths.ini"]


def sweep(*args):
    return isochron("sweep", trace, *rules, *args)


ways = ["--set", "l1d.ways=1,2,4", "--path", path]
code, out, err = sweep(*ways, "--format", "json")
check("a sweep is made", code == 0, err)
rows = json.loads(out)["rows"]
check("it has a row for each value", [r["set"]["l1d.ways"] for r in rows] == ["1", "2", "4"], out)
check("the work is the same", len({r["instructions"] for r in rows}) == 1, rows)
check("more ways, fewer misses and cycles",
      all(a["misses"]["l1d"] > b["misses"]["l1d"] and a["cycles"] > b["cycles"]
          for a, b in zip(rows, rows[1:])), rows)
check("so it is for the path", all(
    a["paths"][path]["instances"] == b["paths"][path]["instances"] > 100 and
    a["paths"][path]["cycles"] > b["paths"][path]["cycles"] for a, b in zip(rows, rows[1:])), rows)
check("every cycle rests on something",
      all(sum(r["quality"].values()) == r["cycles"] for r in rows), rows)
check("twice the same", sweep(*ways, "--format", "json")[1] == out)

code, text, err = sweep(*ways, "--format", "csv")
table = list(csv.DictReader(io.StringIO(text)))
check("CSV has the same figures", code == 0 and [
    (t["l1d.ways"], int(t["cycles"]), int(t["l1d_misses"]), int(t[path + ".cycles"]),
     int(t["read"]) + int(t["fitted"]) + int(t["estimate"]) + int(t["from memory"])) for t in table
] == [(r["set"]["l1d.ways"], r["cycles"], r["misses"]["l1d"], r["paths"][path]["cycles"],
       r["cycles"]) for r in rows], text)
code, text, err = sweep(*ways)
lines = [line.split() for line in text.splitlines()[3:6]]
check("the table has the same figures", code == 0 and [(w[0], int(w[1]), int(w[4])) for w in lines] == [
    (r["set"]["l1d.ways"], r["cycles"], r["misses"]["l1d"]) for r in rows], text)
check("and says what they rest on", "not read" in text and all(w[-1] == "%" for w in lines), text)

code, text, err = sweep("--set", "dtlb.entries=4,64", "--set", "l2.size=0,256K", "--format", "json")
both = json.loads(text)["rows"] if code == 0 else []
check("two keys: each with each", [(r["set"]["dtlb.entries"], r["set"]["l2.size"]) for r in both] ==
      [("4", "0"), ("4", "256K"), ("64", "0"), ("64", "256K")], err)
check("a small TLB misses more", len(both) == 4 and
      both[0]["misses"]["dtlb"] > both[2]["misses"]["dtlb"], both)
check("the processor as it was is the same point in both", len(both) == 4 and
      both[3]["cycles"] == rows[1]["cycles"], both)

for args, said in [([], "--set of what"), (["--set", "l1d.ways"], "KEY=VALUE"),
                   (["--set", "l1d.ways="], "values between commas"),
                   (["--set", "nothing=1"], "nothing"), (["--set", "l1d.ways=3"], "l1d"),
                   (["--set", "ram=8M"], "has booted with its ram"),
                   (["--set", "clock.hz_num=1,2"], "has booted"),
                   (["--machine", "p133,p166"], "record it on each"),
                   (["--set", "l1d.ways=2", "--path", "no.such.path"], "no.such.path"),
                   (["--set", "l1d.ways=1", "--set", "l1i.ways=1", "--set", "l2.ways=1"], "at most 2"),
                   (["--set", "l1d.ways=2", "--format", "xml"], "xml")]:
    code, out, err = sweep(*args)
    check(f"refused: {args}", code == 2 and said in err and err.count("\n") == 1, code, err)
finish()
