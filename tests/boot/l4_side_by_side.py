#!/usr/bin/env python3
"""l4_side_by_side.py [qemu] [flat] [latency]: Linux as a task of the root server, beside others.

Two Linux servers come to a shell each, on one serial line. One is killed in the middle of work, the
other destroys its own kernel; the servers that stay go on, all that the two had is given back, and
both start again without a reboot. Under QEMU and on Isochron, on the kernel with its assertions on.
latency runs guests/root/latency, whose bound must be kept. BUILD names the build (build/release),
ISOCHRON the program, LINUX_L4 another image.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build/release"))
L4 = os.path.join(BUILD, "l4")
ONE, TWO = 6, 7  # the tasks' numbers
# HLT all over a kernel's memory: wherever it runs next, and whatever it follows, it faults.
WIPE = (r"x=$(printf '\364'); for i in 1 2 3 4 5 6 7 8 9 10 11 12; do x=$x$x; done; "
        "mknod /tmp/mem c 1 1; while :; do printf %s $x; done >/tmp/mem\n")
LINE, TO_ONE, TO_TWO = "\x1d0", "\x1d1", "\x1d2"


def wait(text):
    return ("wait", text)


def send(text):
    return ("send", text)


def command(text, until):
    return [send(text + "\r"), wait(until), wait("> ")]


def both_work(first, second):
    """Each multiplies at its shell; the first stays busy."""
    return [send("start %d\r" % ONE), wait("one has the keyboard"), wait("[one] # "),
            send(LINE), wait("the line has the keyboard"), send("start %d\r" % TWO),
            wait("[two] isochron: shell"), send(TO_TWO), wait("[two] # "),
            send("echo $((%d*3))\n" % second), wait("[two] %d" % (second * 3)), wait("# "),
            send(TO_ONE), wait("one has the keyboard"),
            send("echo $((%d*7))\n" % first), wait("[one] %d" % (first * 7)), wait("# "),
            send("while :; do echo x | cat >/tmp/x; done\n"), wait("done"), send(LINE),
            wait("the line has the keyboard")] + command("counts", "spaces")


SESSION = ([wait("> ")] + command("counts", "spaces") + both_work(6, 4) +
           command("kill %d" % ONE, "kill") + command("sleep 50", "sleep") +
           [send(TO_TWO), wait("two has the keyboard"), send("echo $((5*5))\n"), wait("[two] 25"),
            wait("# "), send(WIPE), wait("root: task %d (two) " % TWO), send(LINE),
            wait("the line has the keyboard")] +
           command("counts", "spaces") + both_work(8, 2) +
           command("kill %d" % ONE, "kill") + command("kill %d" % TWO, "kill") +
           command("counts", "spaces") + command("deadline", "its deadline") +
           command("tasks", "shell") + [send("exit 0\r")])


def image(name):
    override = os.environ.get(name.upper().replace("-", "_"))
    if override:
        return override
    line = subprocess.run([os.path.join(ROOT, "guests/images"), name], check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    return line.split(" ", 1)[1].strip()


def modules():
    initrd = image("initrd-klibc")
    linux = ("%s name=%s start=no mem=16M initrd=%s console=ttyS0 quiet lpj=400000")
    tasks = ["sigma0", "root exit=debug", "names", "console prio=155 keyboard=one",
             "timer prio=155", "memory", "deadline prio=200", "shell prio=155"]
    tasks = [os.path.join(L4, task) for task in tasks]
    vmlinux = image("linux-l4")
    tasks += [linux % (vmlinux, name, os.path.basename(initrd)) for name in ("one", "two")]
    return ",".join(tasks + [initrd])


def on_isochron(work):
    quoted = {"\x1d": "\\x1d", "\r": "\\r", "\n": "\\n", '"': '\\"', "\\": "\\\\"}
    with open(os.path.join(work, "typed"), "w") as f:
        for verb, text in SESSION:
            f.write('%s "%s"\n' % (verb, "".join(quoted.get(c, c) for c in text)))
    out = os.path.join(work, "out")
    status = subprocess.run(
        [os.environ.get("ISOCHRON", os.path.join(BUILD, "isochron")), "run", "--quiet", "--machine",
         "p133", "--model", "flat", "-kernel", os.path.join(L4, "kernel-checked"), "-initrd",
         modules(), "-serial", "file:" + out, "-serial-input", os.path.join(work, "typed"),
         "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-max-cycles", "8G"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=500).returncode
    with open(out, errors="replace") as f:
        return status, f.read()


def on_qemu(work):
    """The session is played to QEMU's serial line as its output comes."""
    out = os.path.join(work, "out")
    with open(out, "wb") as sink:
        qemu = subprocess.Popen(
            ["qemu-system-i386", "-cpu", "pentium", "-m", "64", "-kernel",
             os.path.join(L4, "kernel-checked"), "-initrd", modules(), "-serial", "stdio",
             "-display", "none", "-monitor", "none", "-no-reboot", "-device",
             "isa-debug-exit,iobase=0xf4,iosize=4"],
            stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.DEVNULL)
    seen, give_up = 0, time.monotonic() + 400
    for verb, text in SESSION:
        if verb == "send":
            for byte in text.encode():  # the chip's FIFO holds 16
                qemu.stdin.write(bytes([byte]))
                qemu.stdin.flush()
                time.sleep(0.005)
            continue
        while qemu.poll() is None and time.monotonic() < give_up:
            with open(out, errors="replace", newline="") as f:
                at = f.read().find(text, seen)
            if at >= 0:
                seen = at + len(text)
                break
            time.sleep(0.05)
        else:
            print("qemu: waited in vain for %r" % text)
            break
    try:
        status = qemu.wait(max(1, give_up - time.monotonic()))
    except subprocess.TimeoutExpired:
        qemu.kill()
        status = "none: it was stopped"
    with open(out, errors="replace") as f:
        return status, f.read()


def wrong(status, serial):
    """What is not as it should be; empty if all is."""
    counts = [tuple(map(int, c)) for c in re.findall(
        r"in use: (\d+) frames, (\d+) blocks of 4 MB, (\d+) threads, (\d+) spaces", serial)]
    if len(counts) != 5:
        return "the session got to %d of its 5 counts" % len(counts)
    idle, running, after_crash, again, after_kill = counts
    if idle != after_crash or idle != after_kill:
        return "not all is given back: %s" % counts
    if running[1] < 4 or running[3] < idle[3] + 4 or again[1] < 4 or again[3] < idle[3] + 4:
        return "two Linux servers have not more than that: %s" % counts
    # What its next tick meets decides how the wiped kernel ends: by a page fault or an exception.
    if not re.search(r"\(two\) (stopped: \w+ fault|died: exception)", serial):
        return "the second Linux did not crash"
    if len(re.findall(r"^ [0-4] \S+ +serving", serial.replace("\r", ""), re.M)) != 5:
        return "not all of the five servers are still there"
    if status != 1:  # exit 0, as isa-debug-exit has it
        return "the machine ended with %s" % status
    return ""


def main():
    failed = 0
    targets = sys.argv[1:] or ["qemu", "flat", "latency"]
    for target in targets:
        if target == "latency":
            done = subprocess.run([os.path.join(ROOT, "guests/root/latency")])
            failed += done.returncode != 0
            continue
        play = {"qemu": on_qemu, "flat": on_isochron}.get(target)
        if not play:
            sys.exit("l4_side_by_side.py: %s is no target; accepted are qemu, flat, latency" % target)
        with tempfile.TemporaryDirectory() as work:
            status, serial = play(work)
        problem = wrong(status, serial)
        failed += bool(problem)
        print("%s: %s" % (target, "FAILED: " + problem if problem else
                          "two Linux servers, one killed, one crashed, both again: all given back"))
        if problem:
            print(serial[-3000:])
    print("%d passed, %d failed" % (len(targets) - failed, failed))
    sys.exit(failed != 0)


main()
