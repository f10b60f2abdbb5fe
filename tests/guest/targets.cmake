# The law guest, and where the tests that boot it find it.
set(LAW_GUEST ${CMAKE_BINARY_DIR}/tests/guest/law_guest)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/tests/guest)
set(LAW_GUEST_SOURCES build.sh guest.ld start.S kernel.c user.c law_guest.h)
list(TRANSFORM LAW_GUEST_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/tests/guest/)
add_custom_command(OUTPUT ${LAW_GUEST}
  COMMAND ${CMAKE_SOURCE_DIR}/tests/guest/build.sh ${LAW_GUEST}
  DEPENDS ${LAW_GUEST_SOURCES})
add_custom_target(law_guest ALL DEPENDS ${LAW_GUEST})

foreach(name laws_ledger laws_determinism laws_blocks laws_snapshot laws_observers laws_models
    laws_history laws_sieve laws_whatif laws_median)
  if(TARGET ${name})
    add_dependencies(${name} law_guest)
    target_compile_definitions(${name} PRIVATE LAW_GUEST="${LAW_GUEST}")
  endif()
endforeach()

# The generator of random instructions, for comparing models.
if(TARGET laws_models)
  foreach(source random_case random_operand random_value simulated silicon)
    target_sources(laws_models PRIVATE ${CMAKE_SOURCE_DIR}/tests/isa/${source}.c)
  endforeach()
endif()

# The guest of the performance counters.
set(COUNTERS_GUEST ${CMAKE_BINARY_DIR}/tests/guest/counters_guest)
add_custom_command(OUTPUT ${COUNTERS_GUEST}
  COMMAND ${CMAKE_SOURCE_DIR}/tests/guest/build_counters.sh ${COUNTERS_GUEST}
  DEPENDS ${CMAKE_SOURCE_DIR}/tests/guest/build_counters.sh
    ${CMAKE_SOURCE_DIR}/tests/guest/counters.S ${CMAKE_SOURCE_DIR}/tests/guest/guest.ld)
add_custom_target(counters_guest ALL DEPENDS ${COUNTERS_GUEST})
if(TARGET guest_counters)
  add_dependencies(guest_counters counters_guest)
  target_compile_definitions(guest_counters PRIVATE COUNTERS_GUEST="${COUNTERS_GUEST}")
endif()
