#!/usr/bin/env python3
"""How large the L4 kernel is: its lines, and its image where the release build has one.

The bars are those of the kernel's plan: under 10,000 lines, which are those of its sources that are not blank,
and an image, what a boot loader copies into memory, under 100 KB.
"""
import re
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 10_000
BYTES_MAX = 100 * 1024
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|^#(?!\s*(?:define|include|if|else|endif|pragma|undef|error))[^\n]*", re.S | re.M)


def filled(text):
    return sum(1 for line in text.splitlines() if line.strip())


def loaded_bytes(path):
    """The sum of the file parts of an ELF file's PT_LOAD segments."""
    data = path.read_bytes()
    offset, = struct.unpack_from("<I", data, 28)
    size, count = struct.unpack_from("<HH", data, 42)
    headers = (struct.unpack_from("<8I", data, offset + i * size) for i in range(count))
    return sum(h[4] for h in headers if h[0] == 1)


def main():
    sources = sorted(p for p in (ROOT / "kernel").rglob("*") if p.suffix in (".c", ".h", ".S", ".ld"))
    texts = [p.read_text(encoding="utf-8") for p in sources]
    lines = sum(map(filled, texts))
    code = sum(filled(COMMENT.sub("", text)) for text in texts)
    wrong = 0
    if not sources or lines >= LINES_MAX:
        print(f"kernel/: {lines} lines; under {LINES_MAX} is the bar")
        wrong += 1
    image = ROOT / "build/release/l4/kernel"
    size = "no image built"
    if image.exists():
        size = f"image {loaded_bytes(image) / 1024:.1f} KB"
        if loaded_bytes(image) >= BYTES_MAX:
            print(f"{image.relative_to(ROOT)}: {loaded_bytes(image)} bytes; under {BYTES_MAX} is the bar")
            wrong += 1
    print(f"L4 kernel: {len(sources)} files, {lines} lines, {code} of them code, {size}, {wrong} wrong")
    return wrong != 0


sys.exit(main())
