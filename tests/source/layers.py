#!/usr/bin/env python3
"""Who may include whom, and what the simulator's sources may not mention.

The layers are those of ARCHITECTURE.md: calls go down, news goes up through function pointers. Forbidden
words are what would make a run depend on the host: its clock, its random numbers, its threads; and
floating point where cycles are decided. Exceptions stand here, each with its reason.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The first matching prefix says what a file may include: prefixes of headers.
LAYERS = [
    ("sim/core/", ["sim/core/"]),
    ("mmu/", ["mmu/", "sim/core/"]),
    ("devices/", ["sim/core/"]),
    ("cpu/models/flat/", ["cpu/models/flat/", "cpu/", "mmu/", "sim/core/"]),
    ("cpu/models/p5/", ["cpu/models/p5/", "cpu/", "mmu/", "sim/core/"]),
    ("cpu/models/k7/", ["cpu/models/k7/", "cpu/", "mmu/", "sim/core/"]),
    ("cpu/", ["cpu/", "mmu/", "sim/core/"]),
    ("sim/commands/", ["sim/", "devices/", "cpu/", "mmu/"]),
    ("sim/", ["sim/", "devices/", "cpu/", "mmu/"]),
]

# (file, header): why.
ALLOWED = {
    ("devices/kbd_8042.h", "devices/keyboard_101.h"): "the keyboard on the controller's cable",
}

FORBIDDEN = [
    # folders, pattern, what
    (("sim/", "cpu/", "mmu/", "devices/"), r"\b(rand|srand|random|drand48|getrandom)\s*\(", "randomness"),
    (("sim/", "cpu/", "mmu/", "devices/"), r"\b(time|gettimeofday|clock_gettime|localtime)\s*\(",
     "the host's clock"),
    (("sim/", "cpu/", "mmu/", "devices/"), r"\bpthread_|\bthrd_|#include <threads.h>", "threads"),
    (("sim/core/", "cpu/", "mmu/", "devices/"), r"\b(float|double)\b", "floating point"),
    (("sim/", "cpu/", "mmu/", "devices/"), r"__attribute__\s*\(\s*\(\s*(constructor|section)",
     "what runs or gathers by itself"),
]
EXCEPTIONS = {
    ("sim/commands/progress.c", "the host's clock"): "it shows how fast the run goes, and only there",
}


def code_of(text):
    """The text without comments and strings, line by line as it was."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def allowed_prefixes(name):
    for prefix, headers in LAYERS:
        if name.startswith(prefix):
            return headers
    return None


def own_header(name, header):
    """A device's files share the first word of their names: vga_text.c, vga_screen.c, vga_text.h."""
    stem = Path(name).name.split("_")[0].split(".")[0]
    return Path(name).parent == Path(header).parent and Path(header).name.startswith(stem)


def check_includes(name, text):
    headers = allowed_prefixes(name)
    for number, line in enumerate(text.split("\n"), 1):
        m = re.match(r'#include "([^"]+)"', line)
        if not m or headers is None:
            continue
        header = m.group(1)
        below = any(header.startswith(p) for p in headers)
        other_model = header.startswith("cpu/models/") and not name.startswith(("cpu/models/", "sim/"))
        if name.startswith("cpu/models/"):
            folder = "/".join(name.split("/")[:3]) + "/"
            other_model = header.startswith("cpu/models/") and not header.startswith(folder)
        if (name, header) in ALLOWED or own_header(name, header) and name.startswith("devices/"):
            continue
        if not below or other_model:
            yield f"{name}:{number}: may not include {header}"


def check_words(name, text):
    code = code_of(text)
    for folders, pattern, what in FORBIDDEN:
        if not name.startswith(folders) or (name, what) in EXCEPTIONS:
            continue
        for m in re.finditer(pattern, code):
            number = code.count("\n", 0, m.start()) + 1
            yield f"{name}:{number}: {m.group(0).strip()}: {what}"


def main():
    wrong, files = [], 0
    for folder in ("sim", "cpu", "mmu", "devices"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            name, text = str(path.relative_to(ROOT)), path.read_text()
            files += 1
            wrong += check_includes(name, text)
            wrong += check_words(name, text)
    for line in wrong:
        print(line)
    print(f"{files} files in their layers, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
