#!/usr/bin/env python3
"""reproduce.py: `isochron reproduce` from a saved measurement: every format, and what it refuses.

Tests build/release/isochron, or what ISOCHRON names. Nothing is booted: tests/boot/bench.sh does that.
"""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ISOCHRON = os.environ.get("ISOCHRON", os.path.join(ROOT, "build", "release", "isochron"))

HZ = 400000000 / 3
SAVED = {"schema": "isochron-reproduce-1", "runs": [
    {"row": "native", "machine": "p133", "hz": HZ, "results": [
        {"name": "getpid", "cycles": 400, "min": 399, "max": 500, "n": 21},
        {"name": "trap", "cycles": 3200, "min": 1, "max": 1, "n": 1}]},
    {"row": "l4-exception", "machine": "p133", "hz": HZ, "results": [
        {"name": "getpid", "cycles": 2000, "min": 1, "max": 1, "n": 21}]},
    {"row": "l4", "machine": "p133", "hz": HZ, "results": [
        {"name": "trap", "handler": "other_space", "cycles": 400, "n": 1}]}]}

passed, failed = 0, 0


def run(*words):
    done = subprocess.run([ISOCHRON, "reproduce", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def check(name, good, shown=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {name}\n{shown}")


def refuses(name, words, text):
    code, _, error = run(*words)
    check(name, code == 2 and text in error, f"{code}: {error}")


def line_of(lines, **wanted):
    found = [l for l in lines if all(l.get(k) == v for k, v in wanted.items())]
    return found[0] if len(found) == 1 else {}


def check_formats(saved, folder):
    code, text, _ = run("sosp97", "table2", "--from", saved)
    check("text", code == 0 and "sosp97 table2" in text and "+79.4 %" in text and
          "not built: there is no Linux server on Mach" in text, text)

    code, text, _ = run("sosp97", "table2", "table5", "--from", saved, "--format", "json")
    lines = [line for t in json.loads(text)["tables"] for line in t["lines"]]
    l4 = line_of(lines, test="getpid", row="l4-exception", unit="cycles")
    check("ratios", code == 0 and l4["simulated_ratio"] == 5 and "published" not in l4, str(l4))
    native = line_of(lines, row="native", test="getpid", unit="us")
    check("microseconds", abs(native["simulated"] - 3) < 1e-9 and native["published"] == 1.68, str(native))
    trap = line_of(lines, row="l4", test="trap: write to a protected page, to its handler")
    check("our kernel beside Linux", trap["unit"] == "us" and abs(trap["simulated_ratio"] - 1 / 8) < 1e-9,
          str(trap))

    again = os.path.join(folder, "again.json")
    with open(again, "w", encoding="utf-8") as f:
        f.write(text)
    check("what it wrote is what it reads", run("sosp97", "table2", "table5", "--from", again, "--format",
                                                "json")[1] == text)

    code, text, _ = run("all", "--from", saved, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    check("CSV", code == 0 and len(rows) > 500 and all(None not in r and r["status"] for r in rows), text[:300])
    papers = {(r["paper"], r["table"]) for r in rows}
    check("all tables", len(papers) == len(run("--list")[1].split("\n\n", maxsplit=1)[0].splitlines()), str(papers))

    page = os.path.join(folder, "page.html")
    code, _, _ = run("all", "--from", saved, "--format", "html", "--out", page)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    check("one page for all", code == 0 and text.count("<section") == len(papers) + 1 and text.endswith("</html>\n"))
    check("the page asks nobody for anything", not any(w in text for w in ("http:", "https:", "src=", "@import")))


def check_refusals(saved, folder):
    refuses("no table", [], "--list")
    refuses("an unknown table", ["sosp97", "table99"], "no table 'table99' of sosp97")
    refuses("an unknown paper", ["sosp98"], "no table 'sosp98'")
    refuses("an unknown format", ["sosp97", "--from", saved, "--format", "xml"], "text, json, csv, html")
    refuses("an unknown machine", ["sosp97", "--machine", "p9"], "p9")
    refuses("no such file", ["sosp97", "--from", os.path.join(folder, "none")], "none")
    for name, document in (("not JSON", "{"), ("not ours", '{"schema": "x", "runs": []}'),
                           ("a run without results", json.dumps(
                               {"schema": SAVED["schema"], "runs": [{"row": "native"}]}))):
        path = os.path.join(folder, "bad.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(document)
        refuses(name, ["sosp97", "--from", path], "--from")
    refuses("no guests", ["sosp97", "table2", "--guests", folder], "guests/images of the source tree")


def main():
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "saved.json")
        with open(saved, "w", encoding="utf-8") as f:
            json.dump(SAVED, f)
        check_formats(saved, folder)
        check_refusals(saved, folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
