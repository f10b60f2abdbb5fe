#!/usr/bin/env python3
"""readme.py: the commands that every README quotes name commands, options and files that there are; those of the
root's README and of traces/ that need nothing but shipped traces run as they stand there, to the output that
stands below them.

A quoted line of output is there when its words come in that order in one line of what was printed; `...` or `..` stand
for anything. What prices a trace is run where its output is quoted; the slowest not with QUICK set. ISOCHRON=PATH
names another program.
"""
import os
import re
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
from lib.checks import check, finish, isochron, program, root, work

PRICED = r"(annotate|check|diff|explain|replay|sweep) .*\.iso"
SLOW = r"(explain|sweep) .*\.iso"
RUN = ("README.md", "traces/README.md")
COMMANDS = re.findall(r"^  ([a-z]+) +[a-z]", isochron("help")[1], re.M)
HELP = {c: isochron(c, "--help")[1] for c in COMMANDS}
# What a run of the quoted commands, or the reader, makes.
MADE = re.compile(r"^(~|\$)|(^|[/@])(boot|before|after|new|old|part|mach|one|out|ledger|page)\.\w+$")
FILE = re.compile(r"(\./)?(build|traces|guests|sim|tests|kernel|cpu|mmu|devices)/[\w./-]+$")


def blocks(text):
    """Blocks of indented lines, each with the number of its first line; continued lines are one."""
    for found in re.finditer(r"(?:^    .*\n|^\n(?=    ))+", text, re.M):
        lines = [line[4:] for line in re.sub(r" *\\\n *", " ", found[0]).split("\n")]
        yield found, [line for line in lines if line.strip()]


def words(line):
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []


def simple(line):
    """The commands of a line, as words: what ; and | part, without what is redirected and substituted."""
    line = re.sub(r"\$\([^()]*\)", "$x", line)
    for part in re.split(r"[;|&]+ ", line):
        yield [w for w in words(part) if not w.startswith(">")]


def check_options(where, argv):
    command = argv[1] if len(argv) > 1 else ""
    if command not in HELP:
        check(f"{where}: there is a command {command}", command in ("help", "COMMAND", "NAME", ""), argv)
        return
    for word in argv[2:]:
        option = re.match(r"--?([a-zA-Z][\w-]*)(=|$)", word)
        if option and option[1] not in ("h",):
            check(f"{where}: isochron {command} has -{option[1]}",
                  re.search(rf"^ +-{re.escape(option[1])}( |$)", HELP[command], re.M), argv)


def check_files(where, argv):
    """Paths into the tree; a folder's README may name them from its own folder."""
    for word in argv:
        for path in re.split(r"[, :@]", word):
            if FILE.match(path) and not MADE.search(path):
                check(f"{where}: there is {path}", (root / path).exists(), argv)


def check_quoted(name, text):
    for _, lines in blocks(text):
        for line in lines:
            for argv in simple(line):
                if argv and argv[0] == "isochron":
                    check_options(name, argv)
                if name != "ARCHITECTURE.md":  # its blocks are drawings
                    check_files(name, argv)
    for code in re.findall(r"`(isochron [^`]+)`", text):
        for argv in simple(code.replace("\n", " ")):
            check_options(name, argv)


def expected(text, found, lines, at):
    """The lines of output below line `at` of a block: up to its next command, or else the next block if that has
    none."""
    rest, below = lines[at + 1:], re.match(r"\n*((?:^    .*\n|^\n(?=    ))+)", text[found.end():], re.M)
    own = bool(rest)
    if not own:
        rest = [line[4:] for line in (below[1] if below else "").split("\n") if line.strip()]
    out = []
    for line in rest:
        if re.match(r"(isochron|gdb|PATH=|#|[\w/.]+/[\w/.]+( |$)|\w+=\S)", line):
            return out if own else []
        out.append(line.strip())
    return out


def runs_here(line):
    """Whether it needs nothing but the tree's traces and what commands before it have written."""
    argv = words(line)
    if argv[:1] != ["isochron"] or argv[1] in ("run", "reproduce") or "-s" in argv or "$" in line:
        return False
    read = [w for before, w in zip(argv, argv[1:]) if re.search(r"\.(iso|json)$", w) and
            before not in ("--ledger", "--timeline")]
    return all(w.startswith("traces/") or (work / w).exists() for w in read)


def check_run(name, text, done):
    for found, lines in blocks(text):
        for at, line in enumerate(lines):
            line = re.sub(r"  +#.*", "", line).strip()
            want = expected(text, found, lines, at)
            if not runs_here(line) or re.search(PRICED, line) and not want or \
                    os.environ.get("QUICK") and re.search(SLOW, line):
                continue
            if line not in done:
                done[line] = subprocess.run(line, shell=True, cwd=work, capture_output=True, text=True, timeout=300,
                                            stdin=subprocess.DEVNULL, errors="replace")
            p = done[line]
            code = 3 if any(w.startswith("EXCEEDED") for w in want) else 0
            check(f"{name}: {line}", p.returncode == code, p.returncode, p.stdout[-800:], p.stderr[-800:])
            for output in want:
                pattern = ".*".join(r"\s+".join(map(re.escape, part.split())) for part in re.split(r"\.\.+", output))
                check(f"{name}: {line}\n  prints: {output}", any(re.search(pattern, o) for o in p.stdout.splitlines()),
                      p.stdout[-3000:])


names = subprocess.run(["git", "-C", root, "ls-files", "*.md"], capture_output=True, text=True).stdout.split()
check("the tree's pages", len(names) > 20, names)
for name in names:
    check_quoted(name, (root / name).read_text())
for folder in ("traces", "guests", "sim", "build"):
    (work / folder).symlink_to(root / folder)
os.environ["PATH"] = os.path.dirname(program) + ":" + os.environ["PATH"]
done = {}
for name in RUN:
    check_run(name, (root / name).read_text(), done)
check("they are more than a few", len(done) >= 8, list(done))
finish()
