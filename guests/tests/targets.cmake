# The tests of the kernel's API: root tasks that take the place of guests/root.
l4_program(api_tests 0x00400000 tests/suite.c tests/chapters.c tests/helper.c tests/transfer.c tests/kip.c
  tests/clock.c tests/utcb.c tests/exchange_registers.c tests/thread_control.c
  tests/space_control.c tests/schedule.c tests/ipc.c tests/map.c tests/strings.c
  tests/propagation.c tests/faults.c tests/exceptions.c tests/interrupts.c tests/sigma0.c
  tests/fpu.c tests/foreign.c)
l4_program(api_ports 0x00400000 tests/suite.c tests/helper.c tests/transfer.c tests/ports.c)
l4_program(api_fuzz 0x00400000 tests/fuzz.c tests/fuzz_calls.c)
l4_program(api_threads 0x00400000 tests/threads.c)
l4_program(api_memory 0x00400000 tests/memory.c)
l4_program(api_chaos 0x00400000 tests/chaos.c)
