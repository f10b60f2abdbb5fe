"""kanata.py: what Konata's format [KANATA] does not allow."""
import re


def mistakes(lines):
    """The lines of a file that are wrong: too few or too many arguments, ids out of order, an instruction that has not
    come or is gone, a stage that ends and has not begun; and the instructions that never leave."""
    arguments, alive, gone, stages = {"C": 1, "I": 3, "L": 3, "S": 3, "E": 3, "R": 3, "W": 3}, set(), set(), set()
    if lines[:1] != ["Kanata\t0004"] or not re.fullmatch(r"C=\t-?\d+", lines[1]) or lines[-1]:
        yield "the head, or no end of line"
    for line in lines[2:-1]:
        command, *a = line.split("\t")
        wrong = arguments.get(command) != len(a) or not a[0].isdigit()
        if command == "I":
            wrong |= int(a[0]) != len(alive) + len(gone)
            alive.add(a[0])
        elif command != "C":
            wrong |= a[0] not in alive
        if command == "S":
            stages.add(tuple(a))
        elif command == "E":
            wrong |= tuple(a) not in stages
        elif command == "R":
            wrong |= int(a[1]) != len(gone) or a[2] not in "01"
            alive.discard(a[0])
            gone.add(a[0])
        if wrong:
            yield line
    yield from alive
