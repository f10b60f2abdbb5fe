#!/usr/bin/env python3
"""paths.py: what --paths tells of the shipped traces: the instructions of an IPC as counted by hand
from the Pentium's rules, sums of every account, names, phases, round trips, and rule files that are
wrong.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import re
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, program, root, work

# The first instructions of kernel/arch/fast_path.S, for a message of several words, as a Pentium's
# pipes take them when code and data are in the first level: one clock a group, no interlock. Counted
# by hand; the rules are those of cpu/models/p5/README.md [OPT97 A, AF-MA 4.1].
U, V = "U", "V"
HAND_COUNT = [
    ("push",  U, "opens a group; an immediate of four bytes, five bytes in all: pairs"),
    ("mov",   V, "EDI from EAX; PUSH writes ESP only"),
    ("shr",   U, "a shift by an immediate is PU: opens a group"),
    ("cmp",   V, "reads what SHR does not write"),
    ("mov",   U, "store; its address is from ESP, written two groups ago: no interlock"),
    ("jne",   V, "a conditional jump is PV; flags of the group before"),
    ("and",   U, "opens a group"),
    ("xor",   V, "EBP; AND writes EDI"),
    ("mov",   U, "opens a group"),
    ("mov",   V, "store of EDX; MOV wrote EBX"),
    ("or",    U, "EBX was written in the group before: no matter for arithmetic"),
    ("mov",   V, "load; EDI and EBP were written two groups ago: no interlock"),
    ("shl",   U, "PU"),
    ("jne",   V, "on the flags of the SHL in U: allowed for a jump"),
    ("mov",   U, "opens a group"),
    ("shl",   U, "PU cannot be second, and needs EDX: MOV stays alone, a clock for itself"),
    ("jne",   V, "PV"),
    ("test",  U, "opens a group"),
    ("je",    V, "PV"),
    ("mov",   U, "load; EDI came five groups ago"),
    ("mov",   V, "load of another bank (+0 and +8), another register"),
    ("cmp",   U, "opens a group"),
    ("jne",   V, "PV"),
    ("mov",   U, "load"),
    ("mov",   V, "load of another bank (+0 and +4)"),
    ("cmp",   U, "opens a group"),
    ("jne",   V, "PV"),
    ("mov",   U, "load"),
    ("mov",   V, "load"),
    ("cmp",   U, "opens a group"),
    ("jne",   V, "PV"),
    ("cmp",   U, "opens a group"),
    ("jl",    V, "PV"),
    ("mov",   U, "opens a group"),
    ("mov",   V, "load; MOV wrote EBX"),
    ("and",   U, "opens a group; an immediate but no displacement"),
    ("mov",   V, "load; AND writes EBX only"),
    ("sub",   U, "opens a group"),
    ("cmp",   V, "EBX; SUB writes EDX"),
    ("mov",   U, "load; EBP was written two groups ago: no interlock"),
    ("ja",    V, "PV"),
]
HAND_CLOCKS = 21  # groups: a U each


def replay(name, *args):
    return isochron("replay", root / f"traces/{name}.iso", "--serial", "null", "--quiet", *args)


def ledger(name, *args):
    code, out, err = replay(name, "--paths", "--ledger", f"{name}.json", *args)
    check(f"{name}: replays", code == 0, err)
    return json.loads((work / f"{name}.json").read_text())


def total(list_, key="cycles"):
    return sum(x[key] for x in list_)


# --- by hand ---------------------------------------------------------------------------------------

for nth in (2000, 20000):
    code, out, err = replay("ipc", "--window", f"enter_ipc_fast..deliver#{nth}", "--window-json",
                            "w.json")
    seen = json.loads((work / "w.json").read_text())["instructions"][:len(HAND_COUNT)]
    check(f"the {nth}th message has the instructions that were counted",
          [i["instruction"].split()[0] for i in seen] == [h[0] for h in HAND_COUNT], seen)
    for n, (i, h) in enumerate(zip(seen, HAND_COUNT)):
        check(f"instruction {n} of message {nth}, {i['instruction']}: {h[2]}",
              i["pipe"] == h[1] and i["cycles"] == (h[1] == U) and
              i["causes"] == ({"issue": 1} if h[1] == U else {}), i)
    check("its clocks", total(seen) == HAND_CLOCKS == sum(h[1] == U for h in HAND_COUNT))

# --- sums ------------------------------------------------------------------------------------------

for name in ("ipc", "fault"):
    d = ledger(name)
    p, elapsed = d["kernel_paths"], d["cycles"]
    check(f"{name}: spaces sum to what elapsed", total(d["spaces"]) == elapsed)
    check(f"{name}: threads sum to what elapsed", total(d["threads"]) == elapsed)
    check(f"{name}: accounts sum to what elapsed",
          total(p["clusters"]) + p["boot"] + p["user"] + p["idle"] + p["unfinished"] == elapsed)
    check(f"{name}: the programs' cycles are the same by paths and by spaces",
          total(d["spaces"], "user") == p["user"])
    for c in p["clusters"]:
        sums = [total(c["phases"]), sum(c["causes"].values()),
                total(c["pairs"]) + c["other_pairs"]["cycles"]]
        check(f"{name}: phases, causes and pairs of {c['name']}", set(sums) == {c["cycles"]}, sums)
        check(f"{name}: counts of {c['name']}",
              total(c["pairs"], "count") + c["other_pairs"]["count"] == c["count"])
        o = c["overlap"]
        check(f"{name}: {c['name']} displaces and shares what was in use",
              all(0 <= o[k][w] <= o[k]["used"] for k in o for w in ("shared", "displaced")), o)
        n, cycles = sum(v[1] for v in c["values"]), sum(v[0] * v[1] for v in c["values"])
        check(f"{name}: {c['name']}: the durations are all of them", n == c["count"] and cycles == c["cycles"] and
              c["values"] == sorted(c["values"]) and c["values"][0][0] == c["min"] and c["values"][-1][0] == c["max"])
        each = [v[0] for v in c["values"] for _ in range(v[1])]
        check(f"{name}: {c['name']}: its quantiles are theirs",
              all(c[f"p{q}"] == each[(n * q + 99) // 100 - 1] for q in (50, 90, 99)), c["values"])
        check(f"{name}: {c['name']} has no more sets than lines",
              c["code_sets"] <= c["code_lines"] and c["data_sets"] <= c["data_lines"])
    for t in p["round_trips"]:
        parts = t["send"] + t["server"] + t["answer"] + t["other"]
        least = sum(v for k, v in t["least"].items() if k != "client")
        check(f"{name}: a round trip's parts", least == t["min"] and
              t["min"] * t["count"] <= parts <= t["max"] * t["count"], t)
    for i in p["interrupt_latency"]:
        for who in ("handler", "program"):
            h = i[who]
            n, cycles = sum(v[1] for v in h["values"]), sum(v[0] * v[1] for v in h["values"])
            check(f"{name}: latencies of vector {i['vector']}: the distribution is all of them", n == h["count"] and
                  cycles == h["cycles"] and h["values"] == sorted(h["values"]), h)
    off = p["interrupts_off"]
    where = p["clusters"][off["cluster"]]
    check(f"{name}: the longest stretch with interrupts off is part of the path that is named", off["cluster"] >= 0 and
          0 < off["longest"] <= where["max"], off)
    check(f"{name}: it begins and ends at kernel symbols", off["symbol"] and off["to_symbol"], off)

# --- names -----------------------------------------------------------------------------------------

d = ledger("ipc")
names = {c["name"] for c in d["kernel_paths"]["clusters"]}
check("paths have the names of rules/l4.ini",
      {"ipc.fast.cross_space", "ipc.fast.same_space", "clock.tick"} <= names, names)
fast = [c for c in d["kernel_paths"]["clusters"] if c["name"] == "ipc.fast.cross_space"]
check("its phases are the rule's", {"enter", "check", "send", "leave"} <=
      {f["name"] for c in fast for f in c["phases"]})
check("entering by INT takes the 51 cycles of the Pentium's",
      all(f["cycles"] >= 51 * c["count"] for c in fast for f in c["phases"] if f["name"] == "enter"))
trips = [t for t in d["kernel_paths"]["round_trips"]
         if t["client_space"] != t["server_space"] and t["count"] > 1000]
check("calls across spaces and their replies are joined", trips)
check("small spaces share a directory and are told apart",
      len({s["base"] for s in d["spaces"] if s["cr3"] == d["spaces"][1]["cr3"]}) > 1, d["spaces"])

(work / "own.ini").write_text("[names]\nbase_is = base\nspace = base_is > 0 ? small {base_is:x}\n"
                              "space = large\n[everything]\nentry =\n")
d = ledger("ipc", "--rules", "own.ini")
check("an own file names spaces", {s["name"] for s in d["spaces"]} ==
      {"kernel", "large"} | {"small %x" % s["base"] for s in d["spaces"] if s["base"]},
      d["spaces"])
check("... and paths", {c["name"] for c in d["kernel_paths"]["clusters"]} == {"everything"})

# --- mistakes --------------------------------------------------------------------------------------

for text, says in (("[kernel]\ncolour = red\n", "accepted are"),
                   ("[x]\nphases = a b\n", "accepted is NAME NAME@MILESTONE"),
                   ("[x]\nentry 30\n", "accepted are"),
                   ("[x]\nphases = " + " ".join(f"p{i}@cr3" for i in range(20)) + "\n",
                    "accepted is NAME NAME@MILESTONE")):
    (work / "bad.ini").write_text(text)
    code, out, err = replay("ipc", "--paths", "--rules", "bad.ini")
    check(f"{text!r} is refused in one line", code == 2 and err.count("\n") == 1 and says in err,
          code, err)
code, out, err = replay("ipc", "--paths", "--rules", "nowhere.ini")
check("a file that is not there", code == 2 and "nowhere.ini: No such file" in err, err)

code, out, err = replay("ipc", "--paths")
for title in ("latencies rest on: read ", "address spaces: ", "kernel paths: ", "phases (means)", "footprint: ",
              "round trips: ", "interrupt latency, ", "longest with interrupts off: 16659 cycles from cycle 9075003, in "
              "syscall.thread_control: enter_thread_control to return_iret"):
    check(f"the table '{title}'", re.search("^" + re.escape(title), out, re.M) or title in out)
finish()
