#!/usr/bin/env python3
"""annotate.py: the profile of kernel paths and `isochron annotate`, on a shipped trace: every sum is
exact, a path's instructions are those that one window of it has, and damaged documents are refused
in one line.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import csv
import io
import json
import re
import random
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, root, work

trace, rules = root / "traces/ipc.iso", root / "guests/measure/paths.ini"


def replay(ledger, *args):
    code, out, err = isochron("replay", trace, "--profile", "--ledger", ledger, "--serial", "null",
                              "--quiet", *args)
    check(f"{ledger} is written", code == 0, err)
    return json.loads((work / ledger).read_text())


# --- the document ---------------------------------------------------------------------------------

full = replay("full.json")
clusters, profile = full["kernel_paths"]["clusters"], full["profile"]
wrong = []
for entry in profile["clusters"]:
    cluster, rows = clusters[entry["cluster"]], entry["instructions"]
    sums = {}
    for row in rows:
        if sum(row["causes"].values()) != row["cycles"]:
            wrong.append(("causes of", row))
        if row["u"] + row["v"] > row["executions"] or row["paired"] > row["v"]:
            wrong.append(("pipes of", row))
        for cause, n in row["causes"].items():
            sums[cause] = sums.get(cause, 0) + n
    executed = sum(row["u"] + row["v"] for row in rows)
    if sums != cluster["causes"] or executed != cluster["instructions"]:
        wrong.append(("sums of", entry["cluster"]))
check("a cluster's instructions sum to it, cause by cause", not wrong, wrong[:3])
kernel = sum(c["cycles"] for c in clusters)
written = sum(e["cycles"] for e in profile["clusters"])
check("clusters and rest sum to all kernel paths",
      profile["cycles"] == kernel == written + profile["rest"]["cycles"],
      profile["cycles"], kernel, written)
check("the dearest clusters are written",
      min(e["cycles"] for e in profile["clusters"]) * 100 < kernel, profile["rest"])

# --- a path ---------------------------------------------------------------------------------------

code, out, err = isochron("annotate", "full.json", "--rules", rules, "--path",
                          "ipc.fast.same_space", "--format", "json")
path = json.loads(out) if code == 0 else {}
check("annotate says it as JSON", code == 0 and path["rest"]["cycles"] == 0, err)
lines = path["instructions"]
check("instructions, phases and causes sum to the path",
      sum(r["cycles"] for r in lines) == path["cycles"] == sum(path["causes"].values()) ==
      sum(p["cycles"] for p in path["phases"]), path["cycles"])
check("it begins with its entry and ends with its exit",
      lines[0]["instruction"].startswith("int") and lines[0]["phase"] == "entry" and
      lines[-1]["instruction"] == "iretd" and lines[-1]["phase"] == "exit", lines[0], lines[-1])
code, out, err = isochron("annotate", trace, "--rules", rules, "--path", "ipc.fast.same_space",
                          "--format", "json")
check("a trace is annotated as its ledger is", code == 0 and json.loads(out) == path, err)
code, out, err = isochron("annotate", "full.json", "--rules", rules, "--path",
                          "ipc.fast.same_space", "--format", "csv")
rows = list(csv.DictReader(l for l in out.splitlines() if l[0] != "#"))
check("as CSV", code == 0 and sum(int(r["cycles"]) for r in rows) == path["cycles"], err)
rests = [int(n) for n in re.findall(r"\d+", out.splitlines()[-1])]
ledger = json.loads((work / "full.json").read_text())
check("what cycles rest on, as JSON and CSV, sums to the run",
      path["run_quality"] == ledger["quality"] and out.splitlines()[-1].startswith("# cycles that") and
      sum(rests) == ledger["cycles"] and rests[0] == ledger["quality"]["read"], out.splitlines()[-1])
for command, mark in (["report", "full.json", "--format", "csv"], "# cycles that rest on: read "), (
        ["diff", "full.json", "full.json"], "B latencies rest on: read "), (
        ["diff", "full.json", "full.json", "--format", "json"], '"quality": {"read": '), (
        ["check", "full.json", "--budget", "cycles: cycles <= 1", "--format", "tap"], "# latencies rest"):
    code, out, err = isochron(*command)
    check("what they rest on: " + " ".join(command[:1] + command[-1:]), mark in out, out[-300:], err)
code, out, err = isochron("annotate", "full.json", "--path", "#1", "--all")
check("as text, with phases and causes", code == 0 and "-- entry" in out and "kernel.exit" in out and
      "mean" in out, out[:300], err)
check("its histogram is of all instances", sum(b[2] for b in path["histogram"]) == path["count"] and
      all(b[2] == sum(v[1] for v in path["values"] if b[0] <= v[0] < b[1]) for b in path["histogram"]), path["histogram"])
joined = isochron("annotate", "full.json", "--rules", rules, "--path", "ipc.fast.same_space", "--all")[1]
drawn = re.findall(r"^ +(\d+)(?: - \d+)? +(\d+) +[\d.]+ %(?:  (#+))?$", joined, re.M)
count = int(re.search(r": (\d+) instances", joined)[1])
check("and drawn: the longest bar is the most", len(drawn) > 5 and sum(int(n) for _, n, _ in drawn) == count and
      max(drawn, key=lambda d: int(d[1]))[2] == "#" * 40, joined[:1500])
for form, of in (("paths", lambda r: int(r["count"])), ("durations", lambda r: int(r["count"]))):
    code, out, err = isochron("report", "full.json", "--format", form)
    rows = list(csv.DictReader(l for l in out.splitlines() if l[0] != "#"))
    check(f"report --format {form} has every instance", code == 0 and
          sum(map(of, rows)) == sum(c["count"] for c in clusters), err)
    check(f"report --format {form} has every cycle", sum(int(r["cycles"]) * (of(r) if form == "durations" else 1)
                                                         for r in rows) == kernel)
code, out, err = isochron("annotate", "full.json", "--path", "nowhere")
check("an unknown path is refused", code == 2 and "accepted are #N and" in err, err)

# One instance by itself: a window of it is annotated, and has the same instructions.
code, out, err = isochron("replay", trace, "--window", "enter_ipc_fast#3000", "--window-json",
                          "window.json", "--serial", "null", "--quiet")
window = json.loads((work / "window.json").read_text())
code, out, err = isochron("annotate", "window.json", "--format", "json")
one = json.loads(out) if code == 0 else {}
check("a window is annotated", code == 0 and one["cycles"] == window["cycles"] and
      len(one["instructions"]) == len(window["instructions"]), err)
code, out, err = isochron("annotate", "window.json")
check("as text", code == 0 and "enter_ipc_fast" in out, err)

# --- damage ---------------------------------------------------------------------------------------

first, last = full["kernel_paths"]["clusters"][0]["first"], full["cycles"]
small = replay("small.json", "--to", first + 100000)


def refused(name, document):
    (work / "bad.json").write_text(document if isinstance(document, str) else json.dumps(document))
    code, out, err = isochron("annotate", "bad.json")
    check(f"{name}: refused in one line", code == 2 and err.count("\n") == 1, code, err[:500])


def changed(change):
    copy = json.loads(json.dumps(small))
    change(copy)
    return copy


refused("no JSON", "{")
refused("no ledger", {"a": 1})
refused("a cycle more in an instruction", changed(
    lambda d: d["profile"]["clusters"][0]["instructions"][0].update(cycles=1 << 40)))
refused("a code that is not there", changed(
    lambda d: d["profile"]["clusters"][0]["instructions"][0].update(code=1 << 30)))
refused("a cluster that is not there", changed(
    lambda d: d["profile"]["clusters"][0].update(cluster=1 << 30)))
refused("a cluster twice", changed(
    lambda d: d["profile"]["clusters"].append(d["profile"]["clusters"][0])))
refused("an unknown cause", changed(
    lambda d: d["kernel_paths"]["clusters"][0]["causes"].update(moon=1)))


def spoil(seed):
    """The document with one value, anywhere, replaced or removed."""
    r, copy = random.Random(seed), json.loads(json.dumps(small))
    at = copy[r.choice(["kernel_paths", "profile"])]
    while True:
        key = r.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if isinstance(at[key], (dict, list)) and at[key] and r.random() < 0.9:
            at = at[key]
            continue
        if r.random() < 0.2:
            del at[key]
        else:
            at[key] = r.choice([None, -1, 0, 1 << 62, 1.5, "", "x" * 300, [], {}, True, [[1]]])
        return copy


ends = []
for seed in range(60):
    (work / "bad.json").write_text(json.dumps(spoil(seed)))
    code, out, err = isochron("annotate", "bad.json", "--all")
    if code not in (0, 2) or (code == 2 and err.count("\n") != 1):
        ends.append((seed, code, err[:200]))
check("random damage is read or refused in one line", not ends, ends[:3])
finish()
