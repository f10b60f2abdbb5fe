# The unit tests of the L4 kernel: its own files compiled in 32 bits for this host, so that they cannot
# use the libraries of the other unit tests.
find_program(KERNEL_CC NAMES gcc)
set(_probe ${CMAKE_BINARY_DIR}/tests/unit/probe32)
file(WRITE ${_probe}.c "#include <stdio.h>\nint main(void) { return 0; }\n")
execute_process(COMMAND ${KERNEL_CC} -m32 -static ${_probe}.c -o ${_probe}.out
  RESULT_VARIABLE _status OUTPUT_QUIET ERROR_QUIET)
if(NOT _status EQUAL 0)
  message(WARNING "No gcc that links with -m32: the kernel's unit tests will not be built. "
    "Debian has it in gcc-multilib.")
  return()
endif()

set(_test ${CMAKE_BINARY_DIR}/tests/unit/kernel_mapping_test)
set(_sources tests/unit/kernel_mapping_test.c kernel/memory/kmem.c kernel/memory/pool.c
  kernel/api/mapping.c kernel/api/mapping_quick.c kernel/api/mapping_tree.c kernel/api/unmap.c
  kernel/api/memory_control.c kernel/api/space.c)
list(TRANSFORM _sources PREPEND ${CMAKE_SOURCE_DIR}/)
file(GLOB _headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/*.h ${CMAKE_SOURCE_DIR}/kernel/*/*.h)
add_custom_command(OUTPUT ${_test}
  COMMAND ${KERNEL_CC} -m32 -static -std=gnu11 -O2 -g -fno-strict-aliasing -Wall -Wextra -Wshadow
    -Werror -DKERNEL_ASSERT=1 -I ${CMAKE_SOURCE_DIR}/kernel -o ${_test} ${_sources}
  DEPENDS ${_sources} ${_headers}
  COMMENT "kernel_mapping_test" VERBATIM)
add_custom_target(kernel_mapping_test ALL DEPENDS ${_test})
