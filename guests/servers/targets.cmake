# The servers and small programs that the root server starts, each in a space of its own.
l4_program(names 0x01000000 servers/names.c)
l4_program(console 0x01000000 servers/console.c servers/uart.c)
l4_program(timer 0x01000000 servers/timer.c)
# Above all physical memory: it sees that at its physical addresses.
l4_program(memory 0xA0000000 servers/memory.c servers/dataspaces.c)
l4_program(hello 0x01000000 servers/hello.c)
l4_program(shell 0x01000000 servers/shell.c)
