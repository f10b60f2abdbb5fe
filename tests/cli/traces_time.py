#!/usr/bin/env python3
"""traces_time.py: replaying, verifying and reporting a shipped trace takes less than five seconds each, of the
processor's time; explaining it, which prices the run a dozen times, less than ten on any host. Prints a row a
trace. The last line is 'N passed, N failed'. ISOCHRON=PATH names another program.
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
isochron = os.path.abspath(os.environ.get("ISOCHRON", root / "build/release/isochron"))
MOST, MOST_EXPLAIN = 5.0, 10.0


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds(*args):
    """Processor seconds of one command, and whether it ended well."""
    before = spent()
    p = subprocess.run([isochron, *map(str, args)], capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    return spent() - before, p.returncode == 0


def main():
    passed = failed = 0
    traces = sorted((root / "traces").glob("*.iso"))
    print(f"{'trace':<24} {'replay':>8} {'verify':>8} {'--paths':>8} {'report':>8} {'explain':>8}   seconds of the processor")
    with tempfile.TemporaryDirectory() as work:
        ledger = pathlib.Path(work) / "ledger.json"
        for trace in traces:
            row = [seconds("replay", trace, "--serial", "null", "--quiet"),
                   seconds("verify", trace, "--quiet"),
                   seconds("replay", trace, "--paths", "--ledger", ledger, "--serial", "null", "--quiet"),
                   seconds("report", ledger),
                   seconds("explain", trace, "--quiet")]
            most = [MOST] * 4 + [MOST_EXPLAIN]
            good = sum(ok and s < m for (s, ok), m in zip(row, most))
            passed += good
            failed += len(row) - good
            print(f"{trace.name:<24} " + " ".join(f"{s:8.2f}" for s, _ in row) +
                  ("" if good == len(row) else "   FAILED"))
    failed += not traces
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
