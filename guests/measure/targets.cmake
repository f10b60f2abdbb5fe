l4_program(measure 0x00400000 measure/main.c measure/report.c measure/world.c measure/ping.S
  measure/ipc.c measure/rpc.c measure/map.c measure/fault.c measure/exception.c measure/interrupt.c
  measure/pipe.c measure/colour.c)
l4_program(ring 0x00400000 measure/ring.c measure/report.c measure/world.c)
