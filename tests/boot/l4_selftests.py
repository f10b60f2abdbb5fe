#!/usr/bin/env python3
"""Linux's own selftests on native Linux and on Linux as a server on our L4 kernel: the same results.

Prints a table, a line a program: how it ended and how many of its cases passed, failed, were skipped or failed
as expected, on each. Where the two differ, in how a program ends or in any case, guests/linux/selftests/differences
must have a line with the reason; a line of it that fits nothing any more is wrong, too.

usage: l4_selftests.py [short | PROGRAM...]

short takes those that guests/linux/selftests/list calls so, on the kernels that the other tests boot; else all, or
those named (timers/nanosleep, or a folder: timers), on kernels built for it. ISOCHRON and BUILD name the program and
the build (build/release), LINUX and LINUX_L4 other kernels, KEEP a folder where what the guests print stays.
"""
import collections
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build/release"))
ISOCHRON = os.environ.get("ISOCHRON", str(BUILD / "isochron"))
TESTS = ROOT / "guests/linux/selftests"
QUIET = "loglevel=3"  # what Linux itself has to say would come between the lines of the tests
STATES = ("pass", "fail", "skip", "xfail")
EXITS = {"exit 0": "pass", "exit 2": "xfail", "exit 4": "skip"}  # kselftest.h


def image(name, option=None):
    command = [ROOT / "guests/images"] + ([option] if option else []) + [name]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.strip() if option else done.stdout.split()[1]


def start(work, name, tests, options):
    """Boots Linux and types; poweroff halts the machine."""
    typed = work / f"{name}.typed"
    typed.write_text('wait "isochron: shell"\nwait "# "\n' f'send "selftests {tests}\\n"\n'
                     'wait "@@ done"\nwait "# "\nsend "poweroff\\n"\n')
    return subprocess.Popen([ISOCHRON, "run", "--quiet", "-no-reboot", "--machine", "p133", "--model", "flat", *options,
                             "--serial", f"file:{work / name}", "--serial-input", typed, "--max-cycles", "600G"],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def native(work, tests, initrd, kernel):
    return start(work, "native", tests, ["-kernel", kernel, "-initrd", initrd, "-append",
                                         f'{image("vmlinux", "--cmdline")} {QUIET}'])


def on_l4(work, tests, initrd, kernel):
    options = f"mem=32000K initrd=rd root= console=ttyS0 {QUIET} lpj=400000 exit=debug"
    return start(work, "l4", tests, ["-kernel", BUILD / "l4/kernel-checked", "-initrd",
                                     f"{BUILD / 'l4/sigma0'},{kernel} {options},{initrd}",
                                     "-device", "isa-debug-exit,iobase=0xf4,iosize=4"])


def state_of(line):
    """What a line of a test says of a case: its state and name, or None. TAP, or x86's own form."""
    tap = re.match(r"\s*(not )?ok +\d+ *-? *(.*)", line)
    own = re.match(r"\s*\[(OK|FAIL|SKIP|PASS)\]:?\s*(.*)", line)
    if tap:
        name, state = tap[2], "fail" if tap[1] else "pass"
        directive = re.search(r"# *(SKIP|XFAIL)\b", name)
        if directive:
            state = directive[1].lower()
    elif own:
        name, state = own[2], {"OK": "pass", "PASS": "pass", "FAIL": "fail", "SKIP": "skip"}[own[1]]
    else:
        return None
    # A run's numbers (processes, times, addresses) are not part of a case's name.
    name = re.sub(r"0x[0-9A-Fa-f]+|\b[0-9a-f]{6,}\b|-?\b\d{2,}(\.\d+)?\b|\b\d+\.\d+\b", "N", name)
    return state, re.sub(r"\s+", " ", name).strip()


def results(work, name):
    """Program: how it ended, and its cases as a Counter of (state, case); in the order of the run."""
    text = (work / name).read_bytes().decode("latin-1").replace("\r", "")
    found = {}
    for match in re.finditer(r"^@@ begin (.*?)\n(.*?)^@@ end (.*?)$", text, re.M | re.S):
        cases = collections.Counter(filter(None, map(state_of, match[2].split("\n"))))
        found[match[1]] = (match[3], cases or collections.Counter({(EXITS.get(match[3], "fail"), "the program"): 1}))
        if "@@ processes stay" in match[2]:
            found[match[1]][1]["fail", "processes stay"] += 1
    done = re.search(r"^@@ done (\d+)$", text, re.M)
    return found, int(done[1]) if done else None


def differences(program, native_result, l4_result):
    """Texts of what differs: `PROGRAM: ends: NATIVE, on L4 X` or `PROGRAM: STATE natively|on L4: CASE`."""
    texts = []
    if native_result[0] != l4_result[0]:
        texts.append(f"{program}: ends: {native_result[0]}, on L4 {l4_result[0]}")
    for (state, case), count in sorted((native_result[1] - l4_result[1]).items()):
        texts.append(f"{program}: {state} natively: {case}" + (f" ({count} times)" if count > 1 else ""))
    for (state, case), count in sorted((l4_result[1] - native_result[1]).items()):
        texts.append(f"{program}: {state} on L4: {case}" + (f" ({count} times)" if count > 1 else ""))
    return texts


def explained(short):
    """Of guests/linux/selftests/differences: pattern and reason of each line that is for these kernels."""
    rows = []
    for line in (TESTS / "differences").read_text().splitlines():
        only = re.match(r"(short|all): ", line)
        line = line[only.end():] if only else line
        if line and not line.startswith("#") and (not only or (only[1] == "short") == short):
            pattern, separator, reason = line.partition(" -- ")
            if not separator or not reason.strip():
                sys.exit(f"differences: no reason in {line!r}")
            rows.append((re.sub(r"([\[])", "[[]", pattern.strip()), pattern.strip(), reason.strip()))
    return rows


def cell(result):
    counts = collections.Counter()
    for (state, _), count in result[1].items():
        counts[state] += count
    return f"{result[0]:<10} " + " ".join(f"{counts[state] or '-':>4}" for state in STATES)


def compare(native_results, l4_results, short):
    """Prints table and verdict; how many differences nobody explained, and lines that explain none."""
    rows, used, wrong = explained(short), set(), 0
    head = "end        " + " ".join(f"{state:>4.4}" for state in STATES)
    print(f"{'test':<52} {'native ' + head} | {'L4 ' + head}")
    notes = []
    for program, native_result in native_results.items():
        texts = differences(program, native_result, l4_results[program])
        print(f"{program:<52} {'       ' + cell(native_result)} | {'   ' + cell(l4_results[program])}"
              + ("  differs" if texts else ""))
        for text in texts:
            row = next((row for row in rows if fnmatch.fnmatchcase(text, row[0])), None)
            used.add(row)
            wrong += row is None
            notes.append(f"  {text}\n      {row[2] if row else 'NOT EXPLAINED'}")
    print("\ndifferences:", *notes or ["  none"], sep="\n")
    for row in rows:
        program = row[1].split(":")[0]
        if row not in used and any(fnmatch.fnmatchcase(name, program) for name in native_results):
            print(f"  explains nothing any more: {row[1]}")
            wrong += 1
    cases = sum(sum(result[1].values()) for result in l4_results.values())
    print(f"{len(native_results)} programs, {cases} cases, {len(notes)} differences, {wrong} of them or of their "
          "explanations wrong")
    return wrong


def run(work, tests):
    names = ("vmlinux", "linux-l4") if tests == "short" else ("vmlinux-selftests", "linux-l4-selftests")
    kernels = os.environ.get("LINUX") or image(names[0]), os.environ.get("LINUX_L4") or image(names[1])
    initrd = image("initrd-selftests")
    both = [native(work, tests, initrd, kernels[0]), on_l4(work, tests, initrd, kernels[1])]
    for process, name in zip(both, ("native", "l4")):
        said = process.communicate()[1]
        if process.returncode != (0 if name == "native" else 1):
            tail = (work / name).read_bytes().decode("latin-1")[-2000:]
            sys.exit(f"{name}: exit code {process.returncode}: {said}\n...{tail}")
    (native_results, native_count), (l4_results, l4_count) = results(work, "native"), results(work, "l4")
    if not native_count or native_count != l4_count or len(native_results) != native_count or \
            list(native_results) != list(l4_results):
        sys.exit(f"native ran {native_count} programs and told of {len(native_results)}, L4 {l4_count} and "
                 f"{len(l4_results)}")
    return compare(native_results, l4_results, tests == "short")


def main():
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    tests = " ".join(sys.argv[1:])
    if os.environ.get("KEEP"):
        return run(Path(os.environ["KEEP"]), tests) != 0
    with tempfile.TemporaryDirectory() as work:
        return run(Path(work), tests) != 0


if __name__ == "__main__":
    sys.exit(main())
