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

file(GLOB _headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/*.h ${CMAKE_SOURCE_DIR}/kernel/*/*.h)
# kernel_test(NAME SOURCE...): tests/unit/NAME.c with these files of the kernel.
function(kernel_test name)
  set(test ${CMAKE_BINARY_DIR}/tests/unit/${name})
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/kernel/ OUTPUT_VARIABLE sources)
  list(PREPEND sources ${CMAKE_SOURCE_DIR}/tests/unit/${name}.c)
  add_custom_command(OUTPUT ${test}
    COMMAND ${KERNEL_CC} -m32 -static -std=gnu11 -O2 -g -fno-strict-aliasing -Wall -Wextra -Wshadow
      -Werror -DKERNEL_ASSERT=1 -I ${CMAKE_SOURCE_DIR}/kernel -I ${CMAKE_SOURCE_DIR}/guests/lib/include -o ${test} ${sources}
    DEPENDS ${sources} ${_headers}
    COMMENT "${name}" VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${test})
endfunction()

kernel_test(kernel_mapping_test memory/kmem.c memory/pool.c api/mapping.c api/mapping_quick.c
  api/mapping_tree.c api/ports.c api/unmap.c api/memory_control.c api/space.c)
kernel_test(kernel_ports_test memory/kmem.c memory/pool.c api/ports.c)
