#!/bin/bash
# l4_measure.sh: the programs that measure the L4 kernel run to their end on Isochron's Pentium and
# under QEMU, messages also on its Athlon 64, where the kernel is entered by SYSENTER; each operation
# of the table is there, and the ledger has what the guest counted. The figures themselves are judged
# by nobody here: guests/measure/table shows them.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for image in isochron l4/kernel l4/sigma0 l4/measure; do
    [ -e "$build/$image" ] || {
        echo "no $build/$image: build it first (cmake --preset release && ninja -C build/release)"
        exit 1
    }
done

"$root/guests/measure/table" --build "$build" --json "$work/measured" | tail -n 8

python3 - "$root/guests/measure/published.csv" "$work/measured" <<'PYTHON'
import csv, json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    wanted = {row["operation"] for row in csv.DictReader(l for l in f if not l.startswith("#"))}
with open(sys.argv[2], encoding="utf-8") as f:
    missing = wanted - {row["operation"] for row in json.load(f)["rows"]}
if missing:
    sys.exit("not measured: " + ", ".join(sorted(missing)))
PYTHON

"$root/guests/measure/table" --build "$build" --machine a64-2200 --which ipc --no-ledger
"$root/guests/measure/table" --build "$build" --machine k7-1400-palomino --which ipc --no-ledger

if command -v qemu-system-i386 >/dev/null; then
    "$root/guests/measure/table" --build "$build" --qemu
else
    echo "no QEMU: the second half is not done"
fi
