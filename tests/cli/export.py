#!/usr/bin/env python3
"""export.py: every export of a shipped trace adds up to its ledger and timeline, other programs read
them, and damaged documents are refused in one line.

The last line is 'N passed, N failed'. ISOCHRON=PATH names another program. What needs a program that
is not installed (callgrind_annotate of valgrind, protoc of protobuf-compiler, python's jsonschema) is
left out, and said so. The speedscope schema is speedscope's own.

Looked for in vain, as readers of Perfetto's and Konata's files: programs and libraries in Debian's and npm's lists for
perfetto, trace processor, catapult, konata, kanata; Debian's Chromium comes without the page chrome://tracing.
"""
import collections
import copy
import json
import random
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, program as isochron, root, work
from lib.kanata import mistakes


def run(*args):
    p = subprocess.run([isochron, *map(str, args)], cwd=work, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=120)
    return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def export(name, *documents):
    code, out, err = run("export", *documents, "--format", name, "--out", f"out.{name}")
    check(f"{name} is written", code == 0 and not err, code, err)
    return (work / f"out.{name}").read_bytes()


def read_timeline(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return lines[0], lines[1:-1], lines[-1]


# --- the documents themselves ----------------------------------------------------------------------

def record():
    code, _, err = run("replay", root / "traces/ipc.iso", "--to", "12M", "--paths", "--ledger", "l.json",
                       "--timeline", "t.json", "--window", "enter_ipc_fast#300", "--window-json",
                       "w.json", "--serial", "null", "--quiet")
    check("a replay writes ledger, timeline and window", code == 0, code, err)
    code, _, err = run("replay", root / "traces/ipc.iso", "--to", "11M", "--paths", "--profile", "--ledger", "lp.json",
                       "--serial", "null", "--quiet")
    check("and with a profile", code == 0, code, err)
    code, _, err = run("replay", root / "traces/fault.iso", "--to", "20M", "--paths", "--ledger",
                       "lf.json", "--timeline", "tf.json", "--serial", "null", "--quiet")
    check("another one, too", code == 0, code, err)
    return json.loads((work / "l.json").read_text()), json.loads((work / "w.json").read_text())


def test_timeline(ledger):
    head, spans, tail = read_timeline(work / "t.json")
    at, sums = head["begin"], collections.Counter()
    tiles = True
    for kind, begin, length, *_ in spans:
        if kind in "buki":
            tiles = tiles and begin == at
            at = begin + length
            sums[kind] += length
    check("spans follow each other without a gap", tiles and at == tail["end"])
    paths = ledger["kernel_paths"]
    check("spans sum to the ledger's cycles", sum(sums.values()) == ledger["cycles"] == tail["cycles"])
    check("user, idle and boot time are those of the kernel paths",
          (sums["u"], sums["i"], sums["b"]) == (paths["user"], paths["idle"], paths["boot"]), sums)
    by_cluster = collections.defaultdict(lambda: [0, 0])
    for kind, _, length, *more in spans:
        if kind == "k":
            by_cluster[more[1]][0] += 1
            by_cluster[more[1]][1] += length
    unfinished = by_cluster.pop(-1, [0, 0])[1]
    check("what is not finished is the same", unfinished == paths["unfinished"], unfinished)
    check("every cluster has its instances and cycles",
          [by_cluster[i] for i in range(len(paths["clusters"]))] ==
          [[c["count"], c["cycles"]] for c in paths["clusters"]])
    user, kernel = collections.Counter(), collections.Counter()
    for kind, _, length, *more in spans:
        if kind in "uk":
            (user if kind == "u" else kernel)[tail["threads"][more[0]]["space"]] += length
    check("every space has the cycles of its programs",
          {s["id"]: s["user"] for s in ledger["spaces"] if s["user"]} == dict(user), user)
    requests = [s for s in spans if s[0] == "q"]
    check("interrupt requests are told", len(requests) > 3 and all(s[2] >= 0 for s in requests))


def test_same_run():
    """Writing a timeline changes nothing of the run."""
    hashes = [run("replay", root / "traces/fault.iso", "--to", "10M", "--serial", "null", "--quiet", "--hash", *o)[1]
              for o in ([], ["--timeline", "again.json"])]
    check("the same state with and without a timeline", "state hash" in hashes[0] and hashes[0] == hashes[1], hashes)


# --- formats ---------------------------------------------------------------------------------------

def test_cells(ledger):
    lines = export("folded", "l.json").decode().splitlines()
    check("folded stacks sum to the cycles", sum(int(x.rsplit(" ", 1)[1]) for x in lines) == ledger["cycles"])
    check("a stack is path;place;cause", all(x.rsplit(" ", 1)[0].count(";") == 2 for x in lines))
    rows = export("csv", "l.json").decode().splitlines()
    check("CSV cells sum to the cycles", sum(int(x.rsplit(",", 1)[1]) for x in rows[1:]) == ledger["cycles"])


def test_speedscope(ledger):
    doc = json.loads(export("speedscope", "l.json", "t.json"))
    sampled, evented = doc["profiles"]
    frames = doc["shared"]["frames"]
    check("speedscope's weights sum to the cycles", sum(sampled["weights"]) == sampled["endValue"] == ledger["cycles"])
    check("a weight a sample", len(sampled["weights"]) == len(sampled["samples"]))
    by_path = collections.Counter()
    for stack, weight in zip(sampled["samples"], sampled["weights"]):
        by_path[frames[stack[0]]["name"]] += weight
    check("and by path to the paths'", by_path == {p["name"]: p["cycles"] for p in ledger["paths"] if p["cycles"]})
    stack, at, leaf = [], evented["startValue"], 0
    good = True
    for e in evented["events"]:
        good = good and e["at"] >= at
        leaf += (e["at"] - at) * bool(stack)
        at = e["at"]
        if e["type"] == "O":
            stack.append(e["frame"])
        else:
            good = good and stack and stack.pop() == e["frame"]
    check("events nest, in order", good and not stack)
    check("and cover every cycle", leaf == ledger["cycles"] and at == evented["endValue"], leaf)
    try:
        import jsonschema
    except ImportError:
        print("left out: speedscope's schema (package python3-jsonschema)")
        return
    schema = json.loads((root / "tests/cli/speedscope-schema.json").read_text())
    small = dict(doc, profiles=[sampled, dict(evented, events=evented["events"][:400])])
    accepts = jsonschema.Draft7Validator(schema).is_valid
    check("speedscope's own schema accepts it, and not everything", accepts(small) and
          not accepts(dict(small, profiles=[dict(sampled, unit="cycles")])))


def test_callgrind(ledger):
    text = export("callgrind", "l.json").decode()
    events = re.search(r"^events: (.*)$", text, re.M).group(1).split()
    want = [ledger["cycles"]] + list(ledger["causes"].values())
    check("an event a cause, and cycles", len(events) == len(want) == len(set(events)))
    self_cost, calls = [0] * len(events), False
    for line in text[text.index("\nsummary:"):].splitlines():
        if re.match(r"^[0-9]", line) and not calls:
            self_cost = [a + int(b) for a, b in zip(self_cost, line.split()[2:])]
        calls = line.startswith("calls=")
    check("callgrind's own costs sum to the causes", self_cost == want, self_cost)
    if not shutil.which("callgrind_annotate"):
        print("left out: callgrind_annotate (package valgrind) reads the profile")
        return
    read = subprocess.run(["callgrind_annotate", "--show=Cycles,Issue", "--threshold=100", "out.callgrind"],
                          cwd=work, capture_output=True, text=True)
    check("callgrind_annotate reads it", read.returncode == 0 and not read.stderr, read.stderr)
    total = re.search(r"^([\d,]+) \(100\.0%\)\s+([\d,]+).*PROGRAM TOTALS", read.stdout, re.M)
    check("and finds the same totals", total and [int(g.replace(",", "")) for g in total.groups()] ==
          [ledger["cycles"], ledger["causes"]["issue"]], read.stdout[:900])
    inclusive = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--show=Cycles", "out.callgrind"], cwd=work,
                               capture_output=True, text=True).stdout
    profiled = json.loads((work / "lp.json").read_text())
    by_code = export("callgrind", "lp.json").decode()
    own = collections.Counter()
    called = False
    for line in by_code[by_code.index("\nsummary:"):].splitlines():
        if re.match(r"^0x[0-9a-f]+ 0 ", line) and not called:
            own[int(line.split()[0], 16)] += int(line.split()[2])
        called = line.startswith("calls=")
    want_code = collections.Counter()
    for c in profiled["profile"]["clusters"]:
        for r in c["instructions"]:
            want_code[profiled["profile"]["code"][r["code"]]["address"]] += r["cycles"]
    check("with a profile, instructions have their cycles", own == want_code and len(own) > 500, len(own))
    read = subprocess.run(["callgrind_annotate", "--show=Cycles,Issue", "--threshold=100", "out.callgrind"],
                          cwd=work, capture_output=True, text=True)
    total = re.search(r"^([\d,]+) \(100\.0%\)\s+([\d,]+).*PROGRAM TOTALS", read.stdout, re.M)
    found = re.findall(r"^\s*([\d,]+) \([ .\d]+%\) .*?  \S.*:.* \[\w+\]$", read.stdout, re.M)
    check("and callgrind_annotate finds the same totals again", total and not read.stderr and
          [int(g.replace(",", "")) for g in total.groups()] == [profiled["cycles"], profiled["causes"]["issue"]],
          read.stderr, read.stdout[:900])
    check("and in its functions all cycles", sum(int(n.replace(",", "")) for n in found) == profiled["cycles"], found[:9])
    run_line = re.search(r"^\s*([\d,]+) .*\(run\):\(run\)", inclusive, re.M)
    check("and the calls lead to every cycle", run_line and int(run_line.group(1).replace(",", "")) ==
          ledger["cycles"], inclusive[:900])


def chrome_spans(doc):
    for e in doc["traceEvents"]:
        if e["ph"] == "X":
            yield e["cat"], e["pid"], e["tid"], e["ts"], e["dur"], e["name"]


def test_chrome(ledger):
    doc = json.loads(export("chrome", "t.json", "l.json"))
    sums = collections.Counter()
    for kind, _, _, _, length, _ in chrome_spans(doc):
        sums[kind] += length
    paths = ledger["kernel_paths"]
    check("chrome's spans sum to the accounts", sums["user"] == paths["user"] and
          sums["user"] + sums["kernel"] + sums["idle"] + sums["boot"] == ledger["cycles"], sums)
    check("the unit is told", "1 cycle" in doc["otherData"]["unit"] and "133.33 MHz" in doc["otherData"]["clock"])
    named = {(e["pid"], e["tid"]) for e in doc["traceEvents"] if e["ph"] == "M" and e["name"] == "thread_name"}
    check("every track has a name", {(p, t) for _, p, t, *_ in chrome_spans(doc)} <= named)
    tracks = collections.defaultdict(list)
    for kind, process, thread, begin, length, _ in chrome_spans(doc):
        tracks[process, thread].append((begin, -length))
    crossing = 0
    for spans in tracks.values():
        open_ends = []
        for begin, minus in sorted(spans):
            while open_ends and open_ends[-1] <= begin:
                open_ends.pop()
            crossing += bool(open_ends) and open_ends[-1] < begin - minus
            open_ends.append(begin - minus)
    check("spans of a track nest", crossing == 0, crossing)
    return sums


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a protobuf message: number and value, bytes for what has a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {tag & 7}")
        yield tag >> 3, value


# The messages of [PERFETTO] as far as they are written here: protoc holds types and numbers against it.
PERFETTO = """syntax = "proto2";
message Trace { repeated TracePacket packet = 1; }
message TracePacket {
  optional uint64 timestamp = 8;
  oneof data { TrackEvent track_event = 11; TrackDescriptor track_descriptor = 60; }
  oneof optional_trusted_packet_sequence_id { uint32 trusted_packet_sequence_id = 10; }
  optional uint32 sequence_flags = 13;
}
message TrackDescriptor { optional uint64 uuid = 1; optional string name = 2; optional uint64 parent_uuid = 5; }
message TrackEvent {
  enum Type { TYPE_UNSPECIFIED = 0; TYPE_SLICE_BEGIN = 1; TYPE_SLICE_END = 2; TYPE_INSTANT = 3; TYPE_COUNTER = 4; }
  optional Type type = 9;
  oneof track { uint64 track_uuid = 11; }
  repeated string categories = 22;
  oneof name_field { string name = 23; }
}
"""


def test_perfetto(chrome_sums):
    data = export("perfetto", "t.json")
    tracks, stacks, sums, last, good = set(), collections.defaultdict(list), collections.Counter(), 0, True
    for number, packet in fields(data):
        p = dict(fields(packet))
        good = good and number == 1
        if 60 in p:
            tracks.add(dict(fields(p[60]))[1])
        if 11 in p:
            event = dict(fields(p[11]))
            good = good and event[11] in tracks and p[8] >= last
            last = p[8]
            if event[9] == 1:
                stacks[event[11]].append((p[8], event[22].decode()))
            else:
                began, kind = stacks[event[11]].pop()
                sums[kind] += p[8] - began
    check("perfetto's packets are in order, on known tracks", good)
    check("every slice that begins ends", not any(stacks.values()))
    check("and slices sum to chrome's", sums == chrome_sums, sums, chrome_sums)
    if not shutil.which("protoc"):
        print("left out: protoc (package protobuf-compiler) decodes the trace")
        return
    at = 0
    while at < min(len(data), 200000):  # protoc is slow: the first packets are enough
        size, payload = varint(data, at + 1)
        at = payload + size
    some = data[:at]
    (work / "perfetto.proto").write_text(PERFETTO)
    read = [subprocess.run(["protoc", f"--proto_path={work}", "--decode=Trace", "perfetto.proto"], cwd=work, input=d,
                           capture_output=True) for d in (some, some[:-1])]
    check("protoc decodes it, and tells where it is cut", read[0].returncode == 0 and read[1].returncode != 0,
          read[0].stderr[:200])
    found = collections.Counter(re.findall(rb"^ *([\w]+)(?::| \{)", read[0].stdout, re.M))
    begins, ends = (len(re.findall(b"type: TYPE_SLICE_" + t, read[0].stdout)) for t in (b"BEGIN", b"END"))
    check("it knows every field by name", not [f for f in found if f.isdigit()] and found[b"packet"] ==
          sum(1 for _ in fields(some)) == 1 + found[b"track_event"] + found[b"track_descriptor"], found)
    check("and slices that begin and end", found[b"track_event"] == found[b"track_uuid"] == begins + ends and
          begins >= ends > 1000 and found[b"name"] == begins + found[b"track_descriptor"], found, begins, ends)


WORK = ("issue", "decode.first_fetch", "execute", "microcode", "x87.execute")


def test_kanata(window):
    lines = export("kanata", "w.json").decode().split("\n")
    wrong = list(mistakes(lines))
    check("every line is one of the format's", not wrong, wrong[:5])
    check("kanata's head", lines[0] == "Kanata\t0004" and lines[1] == "C=\t0" and lines[-1] == "")
    now, stages, stalls, open_stall, retired = 0, collections.defaultdict(dict), collections.Counter(), {}, {}
    for line in lines[2:-1]:
        command, *a = line.split("\t")
        if command == "C":
            good = int(a[0]) > 0
            now += int(a[0])
            check("time goes on", good) if not good else None
        elif command == "S" and a[1] == "0":
            stages[int(a[0])][a[2]] = now
        elif command == "S":
            open_stall[a[0], a[2]] = now
        elif command == "E":
            stalls[int(a[0])] += now - open_stall.pop((a[0], a[2]))
        elif command == "R":
            retired[int(a[0])] = now
    code = window["instructions"]
    check("every instruction comes and goes", sorted(stages) == sorted(retired) == list(range(len(code))))
    at, issued, good, order = 3, None, True, True
    for i, e in enumerate(code):
        before = sum(n for c, n in e["causes"].items()
                     if c.startswith(("fetch.", "agi", "decode.prefix", "tlb.itlb", "x87.wait")))
        if e["pipe"] != "V" or issued is None:
            issued = at + before
        s = stages[i]
        name = "EX" + e["pipe"].replace("-", "")
        good = good and s[name] == issued
        order = order and s["PF"] < s["D1"] < s["D2"] < s[name] < s["WB"] < retired[i]
        good = good and stalls[i] == sum(n for c, n in e["causes"].items() if c not in WORK)
        at += e["cycles"]
    check("an instruction executes from the clock in which it issued, and stalls as long as it did", good)
    check("stages follow each other", order)
    check("the whole is as long as the window", at - 3 == window["cycles"])
    previous = {}
    monotone = True
    for i, e in enumerate(code):
        for stage in ("PF", "D1", "D2"):
            monotone = monotone and stages[i][stage] >= previous.get(stage, 0)
            previous[stage] = stages[i][stage]
    check("no instruction overtakes another", monotone)


def page_documents(text):
    return {i: json.loads(body) for i, body in
            re.findall(r'<script type="application/json" id="([a-z-]+)">(.*?)</script>', text, re.S)}


def drawn(ledger, on_page):
    """The ledger as the page has it: the same, but for histograms where it has every duration."""
    on_page, paths = copy.deepcopy(on_page), ledger["kernel_paths"]
    both = list(zip(paths["clusters"], on_page["kernel_paths"]["clusters"])) + [
        (a["handler"], b["handler"]) for a, b in zip(paths["interrupt_latency"], on_page["kernel_paths"]["interrupt_latency"])]
    for whole, shown in both:
        buckets, shown["values"] = shown.pop("histogram"), whole["values"]
        if [b[2] for b in buckets] != [sum(n for v, n in whole["values"] if b[0] <= v < b[1]) for b in buckets] or \
                sum(b[2] for b in buckets) != whole["count"]:
            return None
    return on_page


def test_html(ledger, window):
    text = export("html", "l.json", "t.json", "w.json").decode()
    docs = page_documents(text)
    check("the page holds the documents", drawn(ledger, docs["ledger-data"]) == ledger and docs["window-data"] == window)
    line = docs["timeline-data"]
    tiled = sum(s[2] for s in line["spans"] if s[0] in (0, 1, 2, 3, 7))
    check("and every cycle of the timeline", tiled == ledger["cycles"] == line["end"] - line["begin"], tiled)
    check("it asks nobody for anything", not re.search(r"https?://|//cdn|@import|src=|<link", text), "")
    bad = copy.deepcopy(ledger)
    bad["places"][0]["name"] = "</script><script>alert(1)//"
    (work / "bad.json").write_text(json.dumps(bad))
    text = export("html", "bad.json").decode()
    check("names end no script", drawn(bad, page_documents(text)["ledger-data"]) == bad)


def test_merged():
    """A timeline with more spans than a page draws one by one keeps its sums."""
    chance = random.Random(5)
    at, lines, sums = 1000, [], collections.Counter()
    for i in range(230000):
        length = chance.choice((3, 50, 700, 20000))
        kind = "uk"[i % 2]
        lines.append([kind, at, length, 0] + ([0] if kind == "k" else []))
        sums[kind] += length
        at += length
    kernels = [x for x in lines if x[0] == "k"]
    head = {"schema": "isochron-timeline-1", "machine": "p133", "model": "p5", "clock_hz": 1e8, "begin": 1000}
    tail = {"end": at, "cycles": at - 1000, "sums": {"boot": 0, "user": sums["u"], "kernel": sums["k"], "idle": 0},
            "spaces": [{"id": 0, "name": "s", "cr3": 0, "base": 0, "born": 0}],
            "threads": [{"id": 0, "space": 0, "name": "t"}],
            "clusters": [{"name": "c", "signature": "0", "count": len(kernels), "cycles": sums["k"]}]}
    (work / "long.json").write_text("\n".join(json.dumps(x) for x in [head, *lines, tail]) + "\n")
    docs = page_documents(export("html", "l.json", "long.json").decode())["timeline-data"]
    page = collections.Counter()
    for s in docs["spans"]:
        if s[0] == 7:
            page["u"] += s[5][1]
            page["k"] += s[5][2]
            page["?"] += s[2] - sum(s[5])
        else:
            page["buki"[s[0]]] += s[2]
    check("short spans are drawn together and still add up", docs["merged"] > 0 and len(docs["spans"]) <= 200001 and
          page["u"] == sums["u"] and page["k"] == sums["k"] and not page["?"], page, sums)


# --- what is refused ------------------------------------------------------------------------------

def refused(name, pattern, *args):
    code, out, err = run("export", *args)
    check(f"refused: {name}", code == 2 and err.count("\n") == 1 and re.search(pattern, err), code, out[:100], err)


def test_refused(ledger, window):
    def changed(name, pattern, change, document=ledger, form="html"):
        bad = copy.deepcopy(document)
        change(bad)
        (work / "bad.json").write_text(json.dumps(bad))
        refused(name, pattern, "bad.json", "--format", form, "--out", "never")
    refused("no format", "which --format", "l.json")
    refused("an unknown format", "pdf; accepted is html", "l.json", "--format", "pdf")
    refused("nothing to read", "needs what --ledger", "--format", "html")
    refused("a timeline where a ledger is needed", "needs what --ledger", "t.json", "--format", "callgrind")
    refused("a window of no use", "no use for what --window-json", "l.json", "w.json", "--format", "csv")
    refused("two ledgers", "a second ledger", "l.json", "lf.json", "--format", "html")
    refused("no such file", "nosuch.json", "nosuch.json", "--format", "html")
    refused("no place to write", "--out nowhere/x", "l.json", "--format", "csv", "--out", "nowhere/x")
    changed("another schema", "is no ledger", lambda d: d.update(schema="x"))
    changed("a place without causes", "'causes' of place 0 is missing", lambda d: d["places"][0].pop("causes"))
    changed("a name that is none", "'name' of place 1 is of another type", lambda d: d["places"][1].update(name=7))
    changed("causes that do not add up", "causes of place 0 sum", lambda d: d["places"][0]["causes"].update(issue=10 ** 9))
    changed("an unknown cause", "not among the run's", lambda d: d["paths"][0]["causes"].update({"what.ever": 0}))
    changed("a cause that is no number", "no number of cycles", lambda d: d["paths"][0]["causes"].update(issue="1"))
    changed("a negative number", "is negative", lambda d: d["paths"][0].update(entries=-1))
    changed("paths that do not add up", "kernel_paths sum", lambda d: d["kernel_paths"].update(user=1))
    changed("symbols with more than their path", "have more cycles", lambda d: d["kernel_paths"]["clusters"][0]
            ["symbols"].append({"name": "x", "cycles": 10 ** 12}))
    changed("a round trip of no path", "round trip 0 is of a path that is not there",
            lambda d: d["kernel_paths"]["round_trips"][0].update(call=9999))
    changed("a clock that is none", "'clock_hz'", lambda d: d.update(clock_hz="fast"))
    changed("a window that was cut", "instructions sum", lambda d: d["instructions"].pop(0), window, "kanata")
    changed("a window without a pipe", "'pipe' of instruction 2", lambda d: d["instructions"][2].update(pipe="UV"),
            window, "kanata")
    explained = {"schema": "isochron-explain-1", "cycles": 100, "ideal": [{"name": "tlb", "text": "t", "cycles": 90,
                 "difference": -10}], "cells": [{"name": "2x0", "operations": 3, "cycles": 9, "parts": {"user": 9}}]}
    (work / "x.json").write_text(json.dumps(explained))
    check("a page takes what explain writes", page_documents(export("html", "l.json", "x.json").decode())["explain-data"] ==
          [explained])
    changed("a difference that is none", "'difference' of tlb", lambda d: d["ideal"][0].update(difference=1), explained)
    changed("parts that do not add up", "parts of cell 0 sum", lambda d: d["cells"][0]["parts"].update(path=1), explained)
    lines = (work / "t.json").read_text().splitlines()

    def line(name, pattern, change):
        bad = list(lines)
        change(bad)
        (work / "bad.json").write_text("\n".join(bad) + "\n")
        refused("timeline: " + name, pattern, "--timeline", "bad.json", "--format", "chrome", "--out", "never")
    line("no tail", "not finished", lambda x: x.pop())
    line("no head", "no head", lambda x: x.pop(0))
    line("a gap", "does not begin where", lambda x: x.pop(len(x) // 2) and x.pop(len(x) // 2))
    line("an unknown kind", "line 3: no span of a known kind", lambda x: x.__setitem__(2, '["z",1,2]'))
    line("too short a span", "too few", lambda x: x.__setitem__(2, '["u",1]'))
    line("no JSON", "line 2", lambda x: x.__setitem__(1, '["u",1'))
    line("something behind the tail", "behind the tail", lambda x: x.append('["i",1,1]'))


def test_fuzz(seed, rounds=60):
    """Any damage is refused in one line, or the page is written."""
    chance = random.Random(seed)
    for i in range(rounds):
        name = chance.choice(("lf.json", "lp.json", "w.json", "tf.json"))
        bad = bytearray((work / name).read_bytes())
        for _ in range(chance.randint(1, 3)):
            bad[chance.randrange(len(bad))] = chance.choice(b'0123456789"[]{},:-ex')
        (work / "fuzz.json").write_bytes(bad)
        form = {"lf.json": "speedscope", "lp.json": "callgrind", "w.json": "kanata", "tf.json": "perfetto"}[name]
        code, _, err = run("export", "fuzz.json", "--format", form, "--out", "never")
        check(f"seed {seed} round {i}: one line or a file", code in (0, 2) and err.count("\n") == (code == 2), code, err)


the_ledger, the_window = record()
test_timeline(the_ledger)
test_same_run()
test_cells(the_ledger)
test_speedscope(the_ledger)
test_callgrind(the_ledger)
test_perfetto(test_chrome(the_ledger))
test_kanata(the_window)
test_html(the_ledger, the_window)
test_merged()
test_refused(the_ledger, the_window)
test_fuzz(1)
finish()
