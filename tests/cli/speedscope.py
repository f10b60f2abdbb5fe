#!/usr/bin/env python3
"""speedscope.py: speedscope itself, as npm has it, reads what `isochron export` writes for it, folded stacks and the
Chrome trace; the figures in its tables are the ledger's.

The package is fetched once, into the guests' cache, and its checksum compared. Skipped (77) without a browser, and
where there is no npm or it cannot be had. The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.browser import Browser, needed
from lib.checks import check, finish, isochron, root, work

VERSION = "1.25.0"
SHA512 = "cpf9HWTZf1ijLXBJrk87Ve/54tnYx6rlf0gUThvn3ook6h63hLXVOQiMf44PT+XoV503cPfvfiT5gP5vojp6Ag=="
MOST = 8  # rows of a table that are compared
# A click on a thing that says so, and the rows of the table that is shown then.
CLICK = """[...document.querySelectorAll('div')].find(e => e.textContent.endsWith('Sandwich') && e.children.length < 3)
    .click()"""
ROWS = "[...document.querySelectorAll('tr')].map(e => e.innerText)"


def fetch():
    """Where speedscope's index.html is."""
    cache = pathlib.Path(os.environ.get("ISOCHRON_CACHE", pathlib.Path.home() / ".cache/isochron")) / "npm"
    package = cache / f"speedscope-{VERSION}.tgz"
    if not package.exists():
        cache.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["npm", "pack", f"speedscope@{VERSION}"], cwd=work, capture_output=True, timeout=60,
                           check=True)
        except (OSError, subprocess.SubprocessError) as e:
            print(f"speedscope {VERSION} cannot be had from npm: {e}")
            sys.exit(77)
        shutil.move(work / package.name, package)
    found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    check("the package is the one that is meant", found == SHA512, found)
    subprocess.run(["tar", "-xzf", package, "-C", work], check=True)
    return work / "package/dist/release/index.html"


def open_in(browser, index, name, data, least):
    """As speedscope's own command does: a script beside the page holds the file. The table has `least` rows."""
    script = work / f"{name}.js"
    content = json.dumps(base64.b64encode(data).decode())
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(name)}, {content})")
    browser.call("/url", {"url": "about:blank"})
    browser.call("/url", {"url": f"{index.as_uri()}#localProfilePath={script}"})
    browser.until(f"{name} is read", f"document.body.innerText.includes('Export') && document.title !== 'speedscope'",
                  seconds=60)
    browser.js(CLICK)
    # The head comes first; rows, as many as there is room for, when the page has measured itself.
    browser.until(f"{name} has a table", f"{ROWS}.findLastIndex(t => t.includes('\\t')) >= "
                  f"{ROWS}.findIndex(t => t.startsWith('Total')) + {least}", seconds=60)
    return browser.js(f"return {ROWS}")


def symbols(rows):
    """{name: cycles of its own}, of those that stand first."""
    table = rows[next(i for i, t in enumerate(rows) if t.startswith("Total")) + 1:]
    found = [re.findall(r"[^\t\n]+", t) for t in table[:MOST]]
    return {r[-1]: int(r[1].split(" ")[0].replace(",", "")) for r in found}


def main():
    needed()
    index = fetch()
    isochron("replay", root / "traces/ring-large.iso", "--to", "12M", "--paths", "--timeline", "t.json", "--ledger",
             "l.json", "--serial", "null", "--quiet")
    ledger = json.loads((work / "l.json").read_text())
    causes = dict(sorted(ledger["causes"].items(), key=lambda c: -c[1])[:MOST])
    browser = Browser()
    try:
        for name, form, files in (("l.speedscope.json", "speedscope", ["l.json", "t.json"]),
                                  ("l.txt", "folded", ["l.json"]), ("t.json", "chrome", ["t.json"])):
            status, _, error = isochron("export", *files, "--format", form, "--out", "exported")
            check(f"{form} is written", status == 0, error)
            rows = open_in(browser, index, name, (work / "exported").read_bytes(),
                           1 if form == "chrome" else MOST)
            totals = [t for t in rows if re.match(r"\d+\D.*\d", t) and "\t" not in t]
            if form != "chrome":
                check(f"{form}: its dearest symbols are the ledger's causes", symbols(rows) == causes, rows, causes)
            if form == "speedscope":
                check("both profiles have the run's cycles", len(totals) == 2 and
                      all(t.endswith(f"{ledger['cycles']:,}") for t in totals), totals, ledger["cycles"])
            if form == "chrome":
                threads = {(s["space"], s["name"]) for s in ledger["threads"]}
                check("chrome: a profile a thread that ran", 1 < len(totals) <= len(threads) + 2, totals, threads)
        log = [x for x in browser.call("/se/log", {"type": "browser"}) if x["level"] == "SEVERE"]
        check("it complains of nothing", not log, log)
    finally:
        browser.close()
    finish()


main()
