#!/usr/bin/env python3
"""page.py: the HTML page in a browser: every view is opened, sorted, zoomed and typed at, with mouse
and keys, and what the page then says is compared with the documents it was made of.

Chromium runs without a window, driven by chromedriver over plain HTTP. Skipped (77) where either is
not installed. --shots FOLDER keeps a picture of every view, light and dark. The last line is
'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import json
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from lib.browser import Browser, needed
from lib.checks import check, finish, program, root, work

shots = pathlib.Path(sys.argv[2]).resolve() if sys.argv[1:2] == ["--shots"] else None


def digits(text):
    return int(re.sub(r"\D", "", text))


def run(*args):
    p = subprocess.run([program, *map(str, args)], cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    if p.returncode:
        sys.exit(f"page.py: {args[0]}: {p.stderr.decode()}")


def make_page():
    wanted = ["--paths", "--profile", "--blame", "--timeline", "t.json", "--ledger", "l.json", "--window", "enter_ipc_fast#300",
              "--window-json", "w.json"]
    run("replay", root / "traces/ipc.iso", "--to", "12M", *wanted, "--serial", "null", "--quiet")
    ledger = json.loads((work / "l.json").read_text())
    one, other = (s["name"] for s in ledger["spaces"][-2:])  # to be of one name, as two pairs of a program are
    ledger["spaces"][-1]["name"] = one
    for row in ledger["blame"]["matrix"]:
        row.update({k: one for k in ("space_name", "by_space_name") if row.get(k) == other})
    (work / "l.json").write_text(json.dumps(ledger))
    explained = make_explained()
    run("export", "l.json", "t.json", "w.json", "x.json", "--format", "html", "--out", "page.html")
    return ledger, explained


def make_explained():
    """What explain writes of a short run; cells as of a lat_ctx, whose figures are the test's own."""
    (work / "x.json").write_bytes(subprocess.run(
        [program, "explain", root / "traces/ipc.iso", "--to", "9100000", "--format", "json"], capture_output=True,
        timeout=120).stdout)
    doc = json.loads((work / "x.json").read_text())
    doc["cells"] = []
    for i, name in enumerate(("2x0", "2x16", "8x0", "8x16")):
        parts = {"user": 1000 * (i + 1), "path": 700 + i, "tlb.flushed": 60 * i, "l1.others": 9 * i, "stores": 0}
        doc["cells"].append({"name": name, "operations": 10 * (i + 1), "cycles": sum(parts.values()), "parts": parts})
    (work / "x.json").write_text(json.dumps(doc))
    return doc


# --- views -----------------------------------------------------------------------------------------

def test_start(b, ledger):
    check("the title tells the run", "p133" in b.js("return document.title"))
    check("the first tile is the run's cycles", b.numbers("#tiles b[data-value]")[:2] ==
          [ledger["cycles"], ledger["instructions"]])
    tabs = b.js("return [...document.querySelectorAll('[role=tab]')].map(t => t.id.slice(4))")
    check("there are tabs for what there is", {"overview", "flame", "timeline", "paths", "symbols", "causes", "spaces",
                                               "window"} <= set(tabs), tabs)
    for i, tab in enumerate(tabs):
        b.click("#tab-" + tab)
        state = b.js("""const shown = [...document.querySelectorAll('[role=tabpanel]')].filter(p => !p.hidden);
            return [shown.map(p => p.id), document.querySelector('[aria-selected=true]').id, location.hash,
                    shown[0].textContent.length]""")
        check(f"a click opens {tab}", state[:3] == [["panel-" + tab], "tab-" + tab, "#/" + tab] and state[3] > 50, state)
        wide = b.js("return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
                    ".map(e => [e.querySelector('table').id, e.scrollWidth, e.clientWidth])")
        check(f"no table of {tab} is cut off at 1360 pixels", not wide, wide)
        if tab == "timeline":
            time.sleep(0.1)
        b.picture(f"{i}-{tab}")
    b.keys("1")
    check("a digit opens a view", b.js("return location.hash") == "#/" + tabs[0])
    b.keys("Right")
    check("and an arrow the next", b.js("return document.activeElement.id") == "tab-" + tabs[1])
    b.keys("Left", "Left")
    check("round the end", b.js("return document.activeElement.id") == "tab-" + tabs[-1])
    return tabs


BARS = "#flame .frame:not(.above)"


def bars(b):
    return b.js("return [...document.querySelectorAll(arguments[0])].map(e => "
                "[e.dataset.name, Number(e.dataset.cycles), e.offsetTop])", BARS)


def test_flame(b, ledger):
    paths = ledger["kernel_paths"]
    b.click("#tab-flame")
    root_bar, *rest = bars(b)
    check("the root is every cycle", root_bar[:2] == ["all cycles", ledger["cycles"]], root_bar)
    first = [x for x in rest if x[2] == rest[0][2]]
    gates = sum(p["cycles"] for p in ledger["paths"] if p["name"] not in ("user", "boot"))
    check("the kernel is its gates", ["kernel", gates] in [x[:2] for x in first], first)
    check("bars of a row sum to the root", sum(x[1] for x in first) == ledger["cycles"], first)
    b.js("[...document.querySelectorAll('.frame')].find(e => e.dataset.name === 'kernel').focus()")
    b.keys("Enter")
    shown = bars(b)
    check("Enter zooms in", shown[0][:2] == ["kernel", gates] and str(gates) in re.sub(r"\D", " ", b.text("#crumbs").replace(",", "")),
          shown[0], b.text("#crumbs"))
    b.keys("Escape")
    check("Escape zooms out", bars(b)[0][0] == "all cycles")
    orders = b.js("return [...document.querySelectorAll('#flame-order option')].map(o => o.textContent)")
    for i, order in enumerate(orders):
        b.js("const s = document.querySelector('#flame-order'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", i)
        shown = bars(b)
        row = [x for x in shown if x[2] == shown[1][2]]
        check(f"nested by {order}: every cycle is there", shown[0][1] == ledger["cycles"], shown[0])
        small = ledger["cycles"] * 0.6 / 1000 * 40
        check(f"nested by {order}: and in the row below", 0 <= ledger["cycles"] - sum(x[1] for x in row) < small, row)
        if order.startswith("kernel path"):
            check("user cycles are the paths' user", ["user", paths["user"]] in [x[:2] for x in row])
    b.js("const s = document.querySelector('#flame-order'); s.value = 0; s.dispatchEvent(new Event('change'))")
    b.type("#panel-flame input", "user")
    marked = digits(b.text("#crumbs").split("marked:")[1])
    named = sum(p["cycles"] for p in ledger["places"] if "user" in p["path"].lower() or "user" in p["name"].lower())
    check("marked bars are summed", marked == named, marked, named)


def view(b):
    b.until("sums follow the view", "(() => { const r = document.querySelector('#time-range').dataset, s = "
            "[...document.querySelectorAll('#time-sums dd')].reduce((n, e) => n + Number(e.dataset.value), 0);"
            "return Math.abs(s - (r.to - r.from)) <= 2; })()")
    return b.js("const r = document.querySelector('#time-range').dataset; return [Number(r.from), Number(r.to)]")


def test_timeline(b, ledger):
    paths = ledger["kernel_paths"]
    b.click("#tab-timeline")
    whole = view(b)
    check("the whole run is in view", whole[1] - whole[0] == ledger["cycles"], whole)
    kernel = sum(c["cycles"] for c in paths["clusters"]) + paths["unfinished"]
    check("what ran is what the ledger says", b.numbers("#time-sums dd") == [paths["user"], kernel, paths["idle"], paths["boot"]],
          b.numbers("#time-sums dd"))
    b.js("document.querySelector('#time-canvas').focus()")
    b.keys("+", "+")
    closer = view(b)
    check("plus zooms in", abs((closer[1] - closer[0]) * 4 - (whole[1] - whole[0])) <= 8, closer)
    b.keys("Right")
    check("an arrow moves", view(b)[0] > closer[0] and view(b)[1] - view(b)[0] == closer[1] - closer[0])
    b.keys("0")
    check("0 shows all", view(b) == whole)
    box = b.js("const r = document.querySelector('#time-canvas').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]")
    x, y = int(box[0] + box[2] * 0.6), int(box[1] + 40)
    b.wheel(x, y, -600)
    near = view(b)
    check("the wheel zooms in", near[1] - near[0] < (whole[1] - whole[0]) / 2, near)
    b.mouse({"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "x": x - 200, "y": y, "duration": 50}, {"type": "pointerUp", "button": 0})
    check("dragging moves", view(b)[0] > near[0] and view(b)[1] - view(b)[0] == near[1] - near[0], view(b))
    b.js("document.querySelector('#time-canvas').focus()")
    b.keys("0", "n", "n")
    facts = b.js("return [...document.querySelectorAll('#time-selected dd')].map(e => e.textContent)")
    head, *lines = [json.loads(x) for x in (work / "t.json").read_text().splitlines()]
    spans = {(s[1], s[1] + s[2]) for s in lines[:-1]}
    check("n selects a span of the run", facts and (digits(facts[2]), digits(facts[3])) in spans, facts)
    check("with its length", digits(facts[4].split(",  ")[0].split(", ")[0]) == digits(facts[3]) - digits(facts[2]), facts)
    b.keys("Enter")
    check("Enter fits it", view(b)[1] - view(b)[0] == max(10, digits(facts[3]) - digits(facts[2])), view(b))
    b.picture("timeline-zoomed")
    b.keys("0")


def column(b, table, n):
    return b.numbers(f"#{table} tbody td:nth-child({n})")


def test_tables(b, ledger):
    clusters = ledger["kernel_paths"]["clusters"]
    b.click("#tab-paths")
    check("paths sum to the run", b.numbers("#paths tfoot td[data-value]") == [sum(c["count"] for c in clusters), ledger["cycles"]])
    check("the dearest stands first", column(b, "paths", 3) == sorted(column(b, "paths", 3), reverse=True))
    b.click("#paths th:nth-child(2) button")
    counts = column(b, "paths", 2)
    check("a click sorts by instances", counts == sorted(counts, reverse=True) and counts[0] == max(c["count"] for c in clusters) and
          b.js("return document.querySelector('#paths th:nth-child(2)').ariaSort") == "descending", counts[:9])
    order = sorted(clusters, key=lambda c: -c["count"])
    for n, key in ((7, "p50"), (8, "p90"), (9, "p99")):
        shown = [q for q, c in zip(column(b, "paths", n), counts) if c]
        check(f"{key} is the path's", sorted(shown) == sorted(c[key] for c in order), shown[:9])
    bars = b.js("""return [...document.querySelectorAll('#paths .histogram')].map(h => [...h.querySelectorAll('i')].map(e => Number(e.dataset.value)))""")
    check("histograms are drawn, of all instances of what takes more than one time", bars and
          {sum(h) for h in bars} <= {c["count"] for c in clusters if len(c["values"]) > 1})
    b.click("#paths th:nth-child(2) button")
    check("another turns it round", column(b, "paths", 2) == sorted(counts))
    check("ways in sum to the run", b.numbers("#gates tfoot td[data-value]") == [sum(p["entries"] for p in ledger["paths"]), ledger["cycles"]])
    trips = ledger["kernel_paths"]["round_trips"]
    check("round trips are told", b.numbers("#trips tfoot td[data-value]") == [sum(t["count"] for t in trips)] and trips)
    check("and how long interrupts waited", b.numbers("#latency tfoot td[data-value]") ==
          [sum(x["handler"]["count"] for x in ledger["kernel_paths"]["interrupt_latency"])])
    told = {c["cluster"]: c for c in ledger["profile"]["clusters"]}
    dearest = max(told.values(), key=lambda c: c["cycles"])
    b.js("""[...document.querySelectorAll('#paths a')].find(a => a.textContent.startsWith('#' + arguments[0] + ' ')).click()""",
         dearest["cluster"] + 1)
    check("a path's name leads to its instructions", b.js("return location.hash") == "#/instructions" and
          b.numbers("#instructions tfoot td[data-value]") == [dearest["cycles"]])
    tall = b.numbers("#panel-instructions .histogram.tall i")
    check("and how long it took", sum(tall) == clusters[dearest["cluster"]]["count"] and "99 %" in b.text("#panel-instructions .note"), tall)
    check("in their order", column(b, "instructions", 9) == [r["cycles"] for r in dearest["instructions"]])
    b.click("#tab-causes")
    check("causes sum to the run", b.numbers("#causes tfoot td[data-value]") == [ledger["cycles"]])
    check("each as in the ledger", sorted(column(b, "causes", 3)) == sorted(ledger["causes"].values()))
    b.click("#tab-symbols")
    check("symbols sum to the run", b.numbers("#symbols tfoot td[data-value]") == [ledger["cycles"]])
    b.type("#panel-symbols input[type=search]", "ipc")
    kept = [p["cycles"] for p in ledger["places"] if "ipc" in p["name"].lower() or "ipc" in p["path"].lower()]
    check("what is typed narrows them, and the sum", b.numbers("#symbols tfoot td[data-value]") == [sum(kept)] and
          len(column(b, "symbols", 3)) == len(kept) > 0, kept[:5])
    b.click("#tab-spaces")
    check("spaces sum to the run", b.numbers("#spaces tfoot td[data-value]")[-1] == ledger["cycles"])
    names = b.js("return [...document.querySelectorAll('#spaces tbody td:first-child')].map(e => e.textContent)")
    check("each by a name of its own", len(set(names)) == len(ledger["spaces"]) > len({s["name"] for s in ledger["spaces"]}), names)
    check("threads, too", b.numbers("#threads tfoot td[data-value]")[-1] == ledger["cycles"])
    window = json.loads((work / "w.json").read_text())
    b.click("#tab-window")
    check("the window is there, in order", column(b, "window", 7) == [e["cycles"] for e in window["instructions"]])
    check("and sums", b.numbers("#window tfoot td[data-value]") == [window["cycles"]])


def test_blame(b, ledger):
    blame = ledger["blame"]
    b.click("#tab-blame")
    last = "#blame-matrix tfoot td:last-child"
    check("the matrix sums to the misses' cycles", b.numbers(last) == [blame["cycles"]], b.numbers(last))
    cells = b.numbers("#blame-matrix tbody td:not(:last-child)")
    check("and so do its cells", sum(cells) == blame["cycles"])
    rows = "return document.querySelectorAll('#blame-matrix tbody tr').length"
    each = b.js(rows)
    b.click("#blame-together")
    check("spaces of one name can be one", b.js(rows) < each and b.numbers(last) == [blame["cycles"]], each, b.js(rows))
    b.click("#blame-together")
    choose = "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    b.js(choose, "#blame-unit", "misses")
    check("misses, too", b.numbers(last) == [blame["misses"]], b.numbers(last))
    dtlb = next(a for a in blame["arrays"] if a["name"] == "dtlb")
    b.js(choose, "#blame-array", "dtlb")
    check("and those of one array", b.numbers(last) == [dtlb["misses"]], b.numbers(last), dtlb["misses"])
    check("arrays sum to all", b.numbers("#blame-arrays tfoot td[data-value]")[-2:] == [blame["misses"], blame["cycles"]])


def test_explain(b, doc):
    b.click("#tab-explain")
    own = [sum(n for k, n in c["parts"].items() if k != "user") for c in doc["cells"]]
    check("the surface has the cells, without the programs' own work", b.numbers("#cells-0 tbody td") == own)
    shown = b.js("return [...document.querySelectorAll('#cells-0 tbody td')].map(e => e.textContent)")
    check("by the switch", shown == [f"{n / c['operations']:.1f}" for n, c in zip(own, doc["cells"])], shown)
    b.click("#cells-own-0")
    check("and with it", b.numbers("#cells-0 tbody td") == [c["cycles"] for c in doc["cells"]])
    b.js("const s = document.querySelector('#cells-part-0'); s.value = 'tlb.flushed'; s.dispatchEvent(new Event('change'))")
    check("or one part of it", b.numbers("#cells-0 tbody td") == [c["parts"]["tlb.flushed"] for c in doc["cells"]])
    sums = b.numbers("#cells-table-0 tfoot td[data-value]")
    check("parts sum to the cells", sums[0] == sum(sums[1:]) == sum(c["cycles"] for c in doc["cells"]), sums)
    check("what was ideal is told", sorted(column(b, "ideal-0", 3)) ==
          sorted([i["cycles"] for i in doc["ideal"]] + ([doc["together"]["cycles"]] if "together" in doc else [])))


def test_kinds(b):
    """Every kind of miss has a colour that no other has, in both themes."""
    kinds = re.search(r"define BLAME_KINDS\(X\)(.*?)\n\n", (root / "sim/report/blame_cells.h").read_text(), re.S)[1]
    kinds = re.findall(r'X\(\w+, "([a-z]+)"', kinds)
    colours = re.search(r"kindColours = \{(.*?)\}", (root / "sim/report/page/heat.js").read_text(), re.S)[1]
    colours = dict(re.findall(r'(\w+): "(\w+)"', colours))
    check("every kind of miss has a colour", len(kinds) >= 8 and set(colours) == set(kinds), kinds, colours)
    for theme in ("light", "dark"):
        b.js("document.documentElement.dataset.theme = arguments[0]", theme)
        values = b.js("const s = getComputedStyle(document.documentElement); "
                      "return arguments[0].map(c => s.getPropertyValue('--' + c).trim())", list(colours.values()))
        check(f"which is its own when {theme}", all(values) and len(set(values)) == len(kinds), values)


def test_theme(b, tabs):
    seen = set()
    for _ in range(3):
        b.click("#theme")
        seen.add(tuple(b.js("return [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]")))
    check("the theme changes colours", {s[0] for s in seen} == {"light", "dark"} and len({s[1] for s in seen}) == 2, seen)
    while b.js("return document.documentElement.dataset.theme") != "dark":
        b.click("#theme")
    for tab in tabs:
        if shots:
            b.click("#tab-" + tab)
            b.picture(f"dark-{tab}")


def main():
    needed()
    ledger, explained = make_page()
    b = Browser(shots)
    try:
        b.open(work / "page.html")
        tabs = test_start(b, ledger)
        test_flame(b, ledger)
        test_timeline(b, ledger)
        test_tables(b, ledger)
        test_blame(b, ledger)
        test_explain(b, explained)
        test_kinds(b)
        test_theme(b, tabs)
        log = [x for x in b.call("/se/log", {"type": "browser"}) if x["level"] == "SEVERE"]
        check("the browser complains of nothing", not log, log)
    finally:
        b.close()
    finish()


main()
