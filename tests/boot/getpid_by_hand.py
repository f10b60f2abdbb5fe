#!/usr/bin/env python3
"""getpid_by_hand.py: a warm getpid of native Linux on the Pentium 133, its way into the kernel held
against a count by hand from the Pentium's rules, instruction by instruction.

ISOCHRON=PATH names another program. The last line is 'N passed, N failed'.
"""
import json
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[1] / "cli"))
from lib.checks import check, finish, isochron, root, work

# entry_INT80_32 from its first instruction to the jump behind SAVE_ALL, all lines and pages at hand.
# Pipe and clocks are counted by hand; the rules are those of cpu/models/p5/README.md [OPT97 A, AF-MA 4.1].
U, V = "U", "V"
HAND_COUNT = [
    ("lea",  U, 1, "opens a group"),
    ("push", V, 0, "reads EAX and ESP, which LEA does not write"),
    ("cld",  U, 2, "two clocks, never pairs"),
    ("push", U, 1, "an immediate; what follows never pairs"),
    ("push", U, 1, "FS: a clock, never pairs"),
    ("push", U, 1, "opens a group"),
    ("mov",  V, 0, "writes EAX, which PUSH has read: pairs"),
    ("mov",  U, 2, "to FS: two clocks and a descriptor in the cache, never pairs"),
    ("pop",  U, 1, "what follows has a displacement and an immediate: does not pair"),
    ("and",  U, 3, "memory is read, changed and written"),
    ("test", U, 2, "memory with an immediate: not pairable, two clocks"),
    ("jne",  U, 1, "taken as predicted; alone, for a jump ends its group"),
    ("push", U, 1, "ES: a clock, never pairs"),
    ("push", U, 1, "DS: the same"),
    ("push", U, 1, "an immediate byte: opens a group"),
    ("push", V, 0, "two PUSH pair: the second one's ESP is known"),
    ("push", U, 1, "EDI"),
    ("push", V, 0, "ESI"),
    ("push", U, 1, "EDX"),
    ("push", V, 0, "ECX"),
    ("push", U, 1, "EBX"),
    ("mov",  V, 0, "an immediate to EDX"),
    ("mov",  U, 2, "to DS: as to FS"),
    ("mov",  U, 2, "to ES: the same"),
    ("jmp",  U, 1, "predicted; alone, what it leads to comes in the next clock"),
]
HAND_CLOCKS = 26


def image(name):
    line = subprocess.run([str(root / "guests/images"), name], check=True, capture_output=True, text=True)
    return line.stdout.split()[1]


cmdline = subprocess.run([str(root / "guests/images"), "--cmdline", "vmlinux"], check=True,
                         capture_output=True, text=True).stdout.strip()
kernel, loop = image("vmlinux"), image("getpid_loop")
(work / "typed").write_text('wait "# "\nsend "getpid_loop 100\\n"\nwait "# "\nsend "poweroff\\n"\n')
code, out, err = isochron(
    "run", "--machine", "p133", "-kernel", kernel, "-initrd", image("initrd-klibc"), "-append", cmdline,
    "--symbols", kernel, "--symbols", loop, "--fast-forward", "symbol:run_init_process", "--serial-input",
    "typed", "--window", "getpid_loop_start#90", "--window-json", "w.json", "--quiet",
    timeout=600)
check("it ran to its end", code == 0, code, out[-500:], err)
path = json.loads((work / "w.json").read_text())["instructions"] if code == 0 else []
first = next((n for n, i in enumerate(path) if i["symbol"] == "entry_INT80_32"), len(path))
seen = path[first:first + len(HAND_COUNT)]
check("the entry has the instructions that were counted",
      [i["instruction"].split()[0] for i in seen] == [h[0] for h in HAND_COUNT], seen)
for n, (i, (_, pipe, clocks, why)) in enumerate(zip(seen, HAND_COUNT)):
    check(f"instruction {n}, {i['instruction']}: {why}", (i["pipe"], i["cycles"]) == (pipe, clocks), i)
check("their clocks", sum(i["cycles"] for i in seen) == HAND_CLOCKS == sum(h[2] for h in HAND_COUNT))
finish()
