#!/bin/bash
# l4_kickstart.sh: the kernel started the way kickstart starts one (tests/boot/kickstart), with
# the API tests as the root server, under QEMU. BUILD is the build folder, build/release if not given.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
l4=${1:-$root/build/release}/l4
seconds_max=${QEMU_BOOT_SECONDS:-120}

for image in kernel-checked sigma0 api_tests; do
    if [ ! -e "$l4/$image" ]; then
        echo "no $l4/$image: build the release preset first"
        exit 1
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -m32 -march=pentium -std=c11 -ffreestanding -nostdlib -static -fno-pic -no-pie -O1 \
    -Wall -Wextra -Werror \
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
    -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-n -Wl,--no-warn-rwx-segments \
    -Wl,--section-start=.start=0x800000 -Wl,-Ttext=0x801000 \
    -o "$work/kickstart" "$root"/tests/boot/kickstart/{start.S,kickstart.c}

status=0
timeout "$seconds_max" qemu-system-i386 -cpu pentium -m 64 -display none -no-reboot \
    -kernel "$work/kickstart" -serial "file:$work/serial" \
    -initrd "$l4/kernel-checked,$l4/sigma0,$l4/api_tests exit=debug" \
    -device isa-debug-exit,iobase=0xf4,iosize=4 -icount shift=3,sleep=off \
    -rtc clock=vm </dev/null || status=$?
tr -d '\r' <"$work/serial" | tail -n 12
[ "$status" -eq 1 ] # isa-debug-exit of 0: all passed
