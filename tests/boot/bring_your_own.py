#!/usr/bin/env python3
"""bring_your_own.py: runs the commands of guests/BRING-YOUR-OWN.md as they stand there, in one shell, and holds
what they print against what the page says that they print.

A line of a block that begins with '>' is output of the command before it: its words and figures must come in
that order in one line of the output, `...` stands for anything. The commands of the page are taken as they
are, but for the debugger's port. The last line is 'N passed, N failed'.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
page = root / "guests/BRING-YOUR-OWN.md"
MARK = "=== command "


def blocks(text):
    """(command, [expected lines]) in the page's order; a command may have several lines."""
    found = []
    for block in re.findall(r"(?:^    .*\n)+", text, re.M):
        depth, continued = 0, False
        for line in (line[4:] for line in block.splitlines()):
            if line.startswith("> ") and not depth and not continued:
                found[-1][1].append(line[2:])
                continue
            if depth or continued:
                found[-1][0].append(line)
            else:
                found.append(([line], []))
            depth += line.endswith("{") - (line == "}")
            continued = line.endswith("\\")
    return [("\n".join(command), expected) for command, expected in found]


def pattern(expected):
    parts = [r"\s+".join(map(re.escape, part.split())) for part in expected.split("...")]
    return re.compile(".*".join(parts))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(commands, work):
    """Each command's output, from one shell in the root of the tree; files go to the work folder."""
    script = "".join(f"printf '\\n{MARK}%s\\n' {i}\n{command}\n" for i, (command, _) in enumerate(commands))
    script = script.replace("1234", str(free_port()))
    for name in ("console.txt", "mach.ini", "mach.json", "mach.iso", "budgets"):
        script = re.sub(rf"(?<![\w/.-]){re.escape(name)}\b", str(work / name), script)
    p = subprocess.run(["bash", "-c", "set -u\n" + script + "wait\n"], cwd=root, text=True, timeout=400,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       errors="replace")
    outputs = re.split(rf"^{MARK}\d+\n", p.stdout, flags=re.M)[1:]
    return [out.replace(str(work) + "/", "") for out in outputs]


def main():
    commands = blocks(page.read_text())
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        outputs = run(commands, pathlib.Path(folder))
    for (command, expected), out in zip(commands, outputs):
        for line in expected:
            if any(pattern(line).search(o) for o in out.splitlines()):
                passed += 1
                continue
            failed += 1
            print(f"FAILED: {command}\n  does not print: {line}\n  but:")
            print("\n".join("    " + o for o in out.splitlines()[-30:]))
    failed += len(outputs) != len(commands) or passed + failed < 15
    print(f"{len(commands)} commands; {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
