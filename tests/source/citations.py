#!/usr/bin/env python3
"""Every citation in the tree names a document of SOURCES.md, and every document listed is cited.

A citation is a bracket in a comment or a document: [KEY], [KEY where], [KEY where; KEY where]. A key
begins with a capital or a digit and is the first word of the bracket; a further part of the bracket
is a citation of its own if its first word is a listed key. The tables of a processor's latencies name
their sources in strings ("EUN, OPT97"); those count, too. A bracket that is no citation and looks like
one is written otherwise, or named in NOT_CITATIONS with what it is.

In a processor's folder a capital with a number, [C5], is a rule of that folder's README.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".c", ".h", ".S", ".md", ".sh", ".py", ".txt", ".frag", ".cmake", ".ld"}
NAMED = {"demo", "test", "images", "host-differences", "cmdline", "init"}

NOT_CITATIONS = {
    "DS:eSI", "ES:eDI",  # the manual's string operands, cpu/op.h
    "A-Z", "A-Za-z0-9_",  # character classes
    "COUNT", "ITERATIONS", "SECTION", "KHZ",  # arguments in usage lines
    "ModRM - C0",  # an index
}
REGISTER = re.compile(r"^(E?[ABCD]X|E?[SD]I|E?[SB]P|[CDEFGS]S|[ABCD][LH])\b")
NUMBER = re.compile(r"^[0-9A-F]+h?$")
KEY = re.compile(r"^[A-Z0-9][A-Za-z0-9-]*$")
RULE = re.compile(r"^[A-H][0-9]+(-[A-H]?[0-9]+)?$")
BRACKET = re.compile(r"\[([A-Z0-9][^][\n]*)\]")


def files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in listed:
        path = ROOT / name
        if name and path.is_file() and (path.suffix in SUFFIXES or path.name in NAMED):
            yield name, path.read_text(errors="replace")


def c_comments(text):
    """The comments of C text, each as one line; strings and characters are passed over."""
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(/\*.*?\*/|//[^\n]*)'
    for m in re.finditer(pattern, text, re.S):
        if m.group(1):
            yield re.sub(r"\s*\n\s*\*?\s*", " ", m.group(1))


def prose(name, text):
    """What of a file is written for readers."""
    if name.endswith((".c", ".h", ".S", ".ld")):
        return " \n ".join(c_comments(text))
    if name.endswith((".md", ".txt")):
        return re.sub(r"```.*?```|`[^`\n]*`", " ", text, flags=re.S)
    return "\n".join(line for line in text.split("\n") if line.lstrip().startswith("#"))


def first_word(part):
    return re.split(r"[ :]", part.strip(), maxsplit=1)[0]


def citations(name, text, keys):
    """(key, kind) of each bracket: "key" must be listed, "perhaps" need not, "rule" is a README's."""
    for m in BRACKET.finditer(prose(name, text)):
        inside = re.sub(r'"[^"]*"', "", m.group(1))
        parts = re.split(r"[,;]", inside)
        word = first_word(parts[0])
        if inside in NOT_CITATIONS or REGISTER.match(inside):
            continue
        if RULE.match(word) and name.startswith("cpu/models/"):
            yield word.split("-")[0], "rule"
            continue
        if word in keys or KEY.match(word) and not NUMBER.match(inside) and \
                m.string[m.end():m.end() + 1] != "(":
            yield word, "key"
        for part in parts[1:]:
            yield first_word(part), "perhaps"


def source_strings(name, text):
    """Keys in the source columns of latency tables."""
    if not re.match(r"cpu/models/[^/]+/.*\.c$", name):
        return
    code = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    for string in re.findall(r'"([^"\n]*)"', code):
        for part in re.split(r"[,;]", string):
            yield first_word(part)


def listed_keys():
    keys = {}
    for number, line in enumerate((ROOT / "SOURCES.md").read_text().split("\n"), 1):
        m = re.match(r"\| `([^`]+)` \|", line)
        if not m:
            continue
        if m.group(1) in keys:
            sys.exit(f"SOURCES.md:{number}: {m.group(1)} is listed twice")
        keys[m.group(1)] = number
    return keys


def main():
    keys, used, wrong = listed_keys(), set(), []
    for name, text in files():
        if name in ("SOURCES.md", "tests/source/citations.py"):
            continue
        for key, kind in citations(name, text, keys):
            if kind == "rule":
                readme = ROOT / Path(name).parent / "README.md"
                if not readme.exists() or not re.search(rf"\b{key}\b", readme.read_text()):
                    wrong.append(f"{name}: rule [{key}] is not in {readme.relative_to(ROOT)}")
            elif key in keys:
                used.add(key)
            elif kind == "key":
                wrong.append(f"{name}: [{key}] is not in SOURCES.md")
        used.update(key for key in source_strings(name, text) if key in keys)
    wrong += [f"SOURCES.md:{n}: {key} is cited nowhere" for key, n in keys.items() if key not in used]
    for line in sorted(set(wrong)):
        print(line)
    print(f"{len(used)} of {len(keys)} sources cited, {len(set(wrong))} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
