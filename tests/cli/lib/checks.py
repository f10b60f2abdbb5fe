"""checks.py: what the tests of commands share: the program under test, a folder of their own that goes
with them, checks that are counted, and the last line, 'N passed, N failed'.

ISOCHRON=PATH names another program than build/release/isochron.
"""
import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[3]
program = os.path.abspath(os.environ.get("ISOCHRON", root / "build/release/isochron"))
work = pathlib.Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, work, ignore_errors=True)
passed = failed = 0


def check(name, good, *detail):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED: {name}")
        for d in detail:
            print("    " + str(d)[:1500].replace("\n", "\n    "))


def isochron(*args, timeout=120):
    """Runs it in the test's folder: exit code, stdout, stderr."""
    p = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=timeout,
                       cwd=work, stdin=subprocess.DEVNULL, errors="replace")
    return p.returncode, p.stdout, p.stderr


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)
