# The servers and small programs that the root server starts, each in a space of its own.
l4_program(names 0x01000000 servers/names.c)
l4_program(console 0x01000000 servers/console.c servers/terminals.c servers/uart.c)
l4_program(deadline 0x01000000 servers/deadline.c)
l4_program(timer 0x01000000 servers/timer.c)
# Above all physical memory: it sees that at its physical addresses.
l4_program(memory 0xA0000000 servers/memory.c servers/dataspaces.c)
l4_program(hello 0x01000000 servers/hello.c)
l4_program(check 0x01000000 servers/check.c)
# The same program; the root server calls a task by its module's name, and this name makes it spin.
l4_program(spin 0x01000000 servers/check.c)
l4_program(split 0x01000000 servers/split.c)
l4_program(shell 0x01000000 servers/shell.c)
