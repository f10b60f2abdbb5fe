#!/bin/bash
# bench.sh: `isochron reproduce` on what it boots: native Linux and Linux on our L4 kernel run the same
# programs of guests/bench, whose lines become one table. Seconds of processor time: a subset; the whole
# is `isochron reproduce all`. ISOCHRON names the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
isochron=${ISOCHRON:-$root/build/release/isochron}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$isochron" reproduce sosp97 table2 figure5 table4 --rows native,stand-in,l4-library-small,l4-exception \
    --quiet --format json --out "$work/out.json"
python3 - "$work/out.json" <<'END'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as f:
    document = json.load(f)
runs = {run["row"]: run["results"] for run in document["runs"]}
passed = failed = 0


def expect(name, good, seen=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {name}: {seen}")


def one(row, **wanted):
    found = [r for r in runs[row] if all(r.get(k) == v for k, v in wanted.items())]
    return found[0]["cycles"] if len(found) == 1 else -1


def phase(row, part):
    return one(row, name="phase", part=part)


native, bare, servers = "native", "stand-in", ("l4-library-small", "l4-exception")
expect("the rows", set(runs) == {native, bare, *servers}, set(runs))
expect("the architecture costs, and L4 costs more",
       one(native, name="getpid") < one(bare, name="getpid") < one("l4-exception", name="getpid"))
expect("native phases sum", phase(native, "hardware") + phase(native, "software") == phase(native, "total"))
parts = ("enter", "first_message", "server", "second_message", "leave")
for row in (native, bare, *servers):
    call, counter = phase(row, "total"), phase(row, "counter")
    expect(f"{row}: a call by instruction is a call by the counter", abs(call - counter) < 0.02 * counter,
           (call, counter))
for row in servers:
    expect(f"{row}: phases sum", sum(phase(row, p) for p in parts) == phase(row, "total") > 0)
    expect(f"{row} costs more", one(row, name="getpid") > one(native, name="getpid") > 100)
expect("a pipe takes longer than a call", one(native, name="pipe") > 2 * one(native, name="getpid"))
lines = [line for t in document["tables"] for line in t["lines"]]
expect("every line has a status", all(line["status"] for line in lines))
expect("what exists was measured", all("simulated" in l for l in lines if l["row"] in runs))
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
END
