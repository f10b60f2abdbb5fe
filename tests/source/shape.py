#!/usr/bin/env python3
"""The shape of the tree's files, and what may stand in none of them.

    tests/source/shape.py [FILE...]

C sources keep to 100 columns; no source is longer than 1,000 lines. No file names a place of one
host (an absolute path into a home, a work directory) or puts something off. The simulator's library,
where one is built, has no mutable globals: nothing in .data, .bss or thread storage but what stands in
GLOBALS with its reason. Without arguments every file that git knows is looked at.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 100
LINES = 1000
SOURCES = {".c", ".h", ".S", ".sh", ".py"}

# Split up, so that this file does not find itself.
PUT_OFF = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
# A place of one host, at the start of a word.
PLACES = re.compile(r"(?<![\w.~$}/])/(home|root|work|mnt|Users)/\w")

LIBRARIES = ["build/release/libisochron_parts.a"]
GLOBALS = {
    "last_words": "what a fatal message adds: a process ends once",
}


def tracked():
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True,
                           check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def check_file(path):
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        lines = path.read_text().split("\n")
    except UnicodeDecodeError:
        return
    if path.suffix in SOURCES and len(lines) - 1 > LINES:
        yield f"{name}: {len(lines) - 1} lines; at most {LINES}"
    for number, line in enumerate(lines, 1):
        if path.suffix in {".c", ".h"} and len(line) > COLUMNS:
            yield f"{name}:{number}: {len(line)} columns; at most {COLUMNS}"
        if path.suffix in SOURCES and line.rstrip("\r") != line.rstrip():
            yield f"{name}:{number}: blanks at the end of the line"
        if path.suffix in SOURCES and "\t" in line:
            yield f"{name}:{number}: a tab"
        m = PUT_OFF.search(line)
        if m:
            yield f"{name}:{number}: {m.group(0)}"
        m = PLACES.search(line)
        if m:
            yield f"{name}:{number}: an absolute path: {line[m.start():m.start() + 40]}"


def check_globals(library):
    table = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True)
    member = ""
    for line in table.stdout.split("\n"):
        if "file format" in line:
            member = line.split(":")[0]
        m = re.search(r" O (\.(?:data|bss|tdata|tbss)(?:\.(?!rel\.ro)\S+)?)\t\S+ +(.*)$", line)
        if m and re.sub(r"\.\d+$", "", m.group(2)) not in GLOBALS:
            yield f"{library.name}({member}): {m.group(2)} in {m.group(1)}: a mutable global"


def main():
    files = [Path(name).resolve() for name in sys.argv[1:]] or tracked()
    wrong = [line for path in files for line in check_file(path)]
    libraries = [ROOT / name for name in LIBRARIES if not sys.argv[1:] and (ROOT / name).exists()]
    for library in libraries:
        wrong += check_globals(library)
    for line in wrong:
        print(line)
    print(f"{len(files)} files and {len(libraries)} libraries, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
