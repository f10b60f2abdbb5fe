#!/usr/bin/env python3
"""explain: a shipped trace priced again. Sums must hold to the cycle, `same` must be the run itself, and
mistakes must end in one line.

    tests/cli/explain.py            tests build/release/isochron
    ISOCHRON=PATH tests/cli/explain.py

The last line is 'N passed, N failed'.
"""
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ISOCHRON = os.environ.get("ISOCHRON", str(ROOT / "build/release/isochron"))
FAULT = str(ROOT / "traces/fault.iso")
RULES = ["--rules", str(ROOT / "guests/measure/paths.ini")]
PART = ["--to", "10500k"]

passed = failed = 0


def expect(name, good, seen=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED: {name}\n    {str(seen)[:300]}")


def ask(*arguments):
    return subprocess.run([ISOCHRON, *arguments], capture_output=True, text=True, timeout=120)


def explained(*arguments):
    r = ask("explain", *arguments, "--format", "json")
    if r.returncode != 0:
        expect(f"explain {arguments} runs", False, r.stderr)
        return None
    return json.loads(r.stdout)


def check_sums(name, report):
    base, ideals = report["cycles"], report["ideal"]
    expect(f"{name}: the run is its interval", base == report["to"] - report["from"], base)
    expect(f"{name}: causes sum to the run", sum(report["causes"].values()) == base)
    expect(f"{name}: what latencies rest on sums to it", sum(report["quality"].values()) == base)
    expect(f"{name}: paths sum to the run", sum(p["cycles"] for p in report["paths"]) == base)
    for i in ideals:
        found = (i["cycles"] - base, sum(i["causes"].values()),
                 sum(p["ideal"][i["name"]] for p in report["paths"]))
        expect(f"{name}: {i['name']} sums in every way", set(found) == {i["difference"]}, found)
    if "together" not in report:
        return
    whole = report["together"]["difference"]
    expect(f"{name}: the interaction is the rest",
           sum(i["difference"] for i in ideals) + report["interaction"] == whole, report["interaction"])
    expect(f"{name}: paths have their part of it",
           sum(p["together"] for p in report["paths"]) == whole and
           sum(p["interaction"] for p in report["paths"]) == report["interaction"])


def check_ideals(report):
    left = {i["name"]: i["causes"] for i in report["ideal"]}
    base = report["causes"]
    for name, causes in [("tlb", ["tlb.itlb", "tlb.dtlb", "tlb.update"]), ("predict", ["branch.mispredict"]),
                         ("l2", ["data.dram", "fetch.dram"]), ("l1", ["data.l2", "fetch.l2"]),
                         ("entry", ["kernel.entry", "kernel.exit"]), ("stores", ["write.buffer_full"])]:
        for cause in causes:
            expect(f"{name} leaves nothing of {cause}", left[name].get(cause, 0) == -base.get(cause, 0),
                   left[name])
    for name in ("tagged", "tlb", "l1"):
        expect(f"{name} saves", next(i for i in report["ideal"] if i["name"] == name)["difference"] < 0)


def check_paths(report):
    """What the run took by path is what `replay --paths` says."""
    with tempfile.TemporaryDirectory() as work:
        ledger = Path(work) / "l.json"
        r = ask("replay", FAULT, "--paths", "--serial", "null", "--quiet", "--ledger", str(ledger))
        expect("replay --paths runs", r.returncode == 0, r.stderr)
        paths = json.loads(ledger.read_text())["kernel_paths"]
    clusters = paths["clusters"]
    others = {p["name"]: p["cycles"] for p in report["paths"]}
    expect("user cycles are the replay's", others["user"] == paths["user"])
    expect("instances are the replay's",
           sum(p["count"] for p in report["paths"]) == sum(k["count"] for k in clusters))
    expect("cycles in the kernel are the replay's",
           sum(p["cycles"] for p in report["paths"] if p["count"]) == sum(k["cycles"] for k in clusters))


def check_same():
    for trace in sorted((ROOT / "traces").glob("*.iso")):
        report = explained(str(trace), "--ideal", "same", "--to", "40M")
        if not report:
            continue
        same = report["ideal"][0]
        expect(f"{trace.name}: the same costs the same", same["difference"] == 0 and not same["causes"], same)
        expect(f"{trace.name}: ... on every path", not any(p["ideal"]["same"] for p in report["paths"]))


def check_instance():
    report = explained(FAULT, *RULES, "--path", "page_fault.user_pager#7", "--ideal", "entry,tlb")
    if not report:
        return
    check_sums("one instance", report)
    expect("one instance is one", [p["name"] for p in report["paths"]] == ["page_fault.user_pager"] and
           report["paths"][0]["count"] == 1, report["paths"])


def check_formats(report):
    r = ask("explain", FAULT, *RULES, *PART, "--format", "csv")
    rows = list(csv.DictReader(l for l in r.stdout.splitlines() if l[0] != "#"))
    rests = r.stdout.splitlines()[-1]
    expect("CSV says what cycles rest on", rests == "# cycles that rest on: " + ", ".join(
        f"{name} {n}" for name, n in report["quality"].items()), rests)
    expect("CSV has every path and ideal", len(rows) == len(report["paths"]) * (len(report["ideal"]) + 2),
           len(rows))
    for i in report["ideal"]:
        sums = sum(int(row["cycles"]) for row in rows if row["ideal"] == i["name"])
        expect(f"CSV: {i['name']} sums", sums == i["cycles"], sums)
    r = ask("explain", FAULT, *RULES, *PART)
    expect("the table tells each ideal", all(f"  {i['name']} " in r.stdout and f"{i['difference']:+d}" in r.stdout
                                             for i in report["ideal"]), r.stdout)
    again = ask("explain", FAULT, *RULES, *PART)
    expect("twice is the same", r.stdout == again.stdout)


def told_by_guest(trace):
    """What the guest itself has read from its counter: cell to (min, max) of a switch."""
    with tempfile.TemporaryDirectory() as work:
        r = ask("replay", trace, "--serial", f"file:{work}/serial", "--quiet")
        expect("the ring replays", r.returncode == 0, r.stderr)
        text = Path(work, "serial").read_text()
    found = re.findall(r"processes=(\d+) kb=(\d+) .* min=([\d.]+) max=([\d.]+)", text)
    return {f"{n}x{kb}": (int(n), float(least), float(most)) for n, kb, least, most in found}


def check_cells(name):
    trace = str(ROOT / f"traces/ring-{name}.iso")
    report = explained(trace, "--cells", "ring_cell", "--ideal", "tagged,l1,entry")
    if not report:
        return
    cells = {c["name"]: c for c in report["cells"]}
    expect(f"{name}: nine cells", sorted(cells) == sorted(f"{n}x{kb}" for n in (2, 4, 8) for kb in (0, 4, 16)))
    for cell in cells.values():
        label = f"{name}, {cell['name']}"
        parts, ideal = cell["parts"], cell["ideal"]
        expect(f"{label}: the parts are the whole",
               sum(parts.values()) == cell["cycles"] == cell["end"] - cell["begin"], cell)
        expect(f"{label}: no part is less than nothing", min(parts.values()) >= 0, parts)
        expect(f"{label}: the interaction is the rest",
               sum(ideal.values()) + cell["interaction"] == cell["together"], cell)
        flushed = parts["tlb.flushed"]
        expect(f"{label}: only large spaces flush", (flushed == 0) == (name == "small"), flushed)
        if name == "small" and cell["name"].startswith("2x"):
            expect(f"{label}: tags change nothing where nothing is flushed", ideal["tagged"] == 0, ideal)
    for label, (processes, least, most) in told_by_guest(trace).items():
        each = cells[label]["cycles"] / cells[label]["operations"]
        expect(f"{name}, {label}: the guest has measured it", least <= each <= most + 80 / processes,
               (least, each, most))
    larger = [cells[f"8x{kb}"]["parts"]["l1.others"] / cells[f"8x{kb}"]["operations"] for kb in (0, 4)]
    expect(f"{name}: footprints evict each other", larger[1] > 10 * larger[0], larger)


def check_cell_formats():
    trace = str(ROOT / "traces/ring-large.iso")
    arguments = [trace, "--cells", "ring_cell", "--ideal", "tagged", "--to", "13M"]
    report = explained(*arguments)
    text = ask("explain", *arguments, "--format", "csv").stdout
    rows = list(csv.DictReader(l for l in text.splitlines() if l[0] != "#"))
    for cell in report["cells"] if report else []:
        sums = sum(int(row["cycles"]) for row in rows if row["cell"] == cell["name"])
        expect(f"CSV: {cell['name']} sums", sums == cell["cycles"] and sums > 0, sums)
    table = ask("explain", *arguments).stdout
    expect("the table has the cells", all(f"\n  {c['name']} " in table for c in report["cells"]), table)
    r = ask("explain", FAULT, "--cells", "trap", "--to", "8930k", "--ideal", "tlb")
    expect("no cell, and it says so", r.returncode == 0 and "no cell was marked" in r.stdout, r.stdout)


def check_mistakes():
    with tempfile.TemporaryDirectory() as work:
        broken = Path(work) / "broken.iso"
        broken.write_bytes(b"\0" * 100)
        for name, arguments, says in [
            ("no trace", [], "which trace"),
            ("two traces", [FAULT, FAULT], "one trace"),
            ("an unknown ideal", [FAULT, "--ideal", "tlb,magic"], "magic"),
            ("an ideal twice", [FAULT, "--ideal", "tlb,tlb"], "twice"),
            ("no ideal", [FAULT, "--ideal", ""], "what can be ideal"),
            ("nothing between", [FAULT, "--from", "10M", "--to", "9M"], "the trace goes from"),
            ("before the trace", [FAULT, "--from", "5"], "the trace goes from"),
            ("a path that is not there", [FAULT, "--path", "nowhere#3"], "0 instances"),
            ("an instance before the first", [FAULT, "--path", "page_fault.user_pager#0"], "N from 1"),
            ("a number that is none", [FAULT, "--path", "user#x"], "NAME#N"),
            ("an unknown mark", [FAULT, "--cells", "nowhere"], "no such symbol"),
            ("a format", [FAULT, "--format", "xml"], "text, json, csv"),
            ("a broken trace", [str(broken)], "broken.iso"),
            ("no such file", ["nowhere.iso"], "nowhere.iso"),
        ]:
            r = ask("explain", *arguments)
            expect(f"{name}: exit 2 and one line",
                   r.returncode == 2 and says in r.stderr and len(r.stderr.splitlines()) == 1 and not r.stdout,
                   (r.returncode, r.stderr))


def main():
    report = explained(FAULT, *RULES)
    if report:
        check_sums("fault.iso", report)
        check_ideals(report)
        check_paths(report)
    part = explained(FAULT, *RULES, *PART)
    if part:
        check_sums("a part", part)
        check_formats(part)
    check_same()
    check_instance()
    check_cells("large")
    check_cells("small")
    check_cell_formats()
    check_mistakes()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
