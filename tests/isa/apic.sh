#!/usr/bin/env bash
# apic: the local APIC of Isochron's a64-2200 and QEMU's. Both run tests/isa/apic.c and must print the
# same.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/isa/lib.sh
. tests/isa/lib.sh

compile apic
for model in flat k8; do
    isochron_prints apic $model --machine a64-2200 --model $model --set apic=1 --set clock.hz_den=10 --max-cycles 1000M
done
qemu_prints apic -cpu athlon
for model in flat k8; do
    same apic $model
done
echo "$(($(wc -l <"$work/qemu") - 1)) passed, 0 failed"
