#!/usr/bin/env python3
"""terminal.py ISOCHRON [--type TEXT] ARGUMENTS...: runs isochron on a terminal of its own.

Types TEXT (with \\x01 and the like) once the terminal is raw. Prints what the terminal showed, then
'raw' or 'never raw', 'restored' or 'left raw', and the exit code.
"""
import os
import pty
import select
import sys
import termios
import time

SECONDS_MAX = 60


def start(words):
    ours, theirs = pty.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        for fd in range(3):
            os.dup2(theirs, fd)
        os.execv(words[0], words)
    return child, ours, theirs


def main():
    words, typed = sys.argv[1:], b""
    if words[1] == "--type":
        typed = words[2].encode().decode("unicode_escape").encode("latin-1")
        del words[1:3]
    child, ours, theirs = start(words)
    # The child has not opened its side yet when this looks, or has not changed it.
    before, began = termios.tcgetattr(theirs), time.monotonic()
    shown, raw, status = b"", False, None
    while status is None and time.monotonic() - began < SECONDS_MAX:
        if select.select([ours], [], [], 0.05)[0]:
            shown += os.read(ours, 65536)
        raw = raw or termios.tcgetattr(theirs) != before
        if raw and typed:
            os.write(ours, typed)
            typed = b""
        done, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if done else None
    if status is None:
        os.kill(child, 9)
        os.waitpid(child, 0)
    while select.select([ours], [], [], 0.05)[0]:
        shown += os.read(ours, 65536)
    restored = termios.tcgetattr(theirs) == before
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    print(f"\n{'raw' if raw else 'never raw'}, {'restored' if restored else 'left raw'}, "
          f"{'hung' if status is None else f'exit {status}'}")


if __name__ == "__main__":
    main()
