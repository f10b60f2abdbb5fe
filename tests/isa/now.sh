#!/usr/bin/env bash
# now: 3DNow! on Isochron's k7-1400 and on QEMU, whose software is the only judge a host without the
# instructions has. Both run tests/isa/now.c and must print the same.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/isa/lib.sh
. tests/isa/lib.sh

compile now
isochron_prints now flat --machine k7-1400 --model flat --set clock.hz_num=33333333 --max-cycles 2000M
if grep beyond "$work/flat" | grep -vq ' 00000000, .*: 00000000'; then
    echo 'now: an approximation is beyond its documented error'
    grep beyond "$work/flat"
    exit 1
fi
qemu_prints now -cpu athlon
same now flat
echo "$(($(wc -l <"$work/qemu") - 1)) passed, 0 failed"
