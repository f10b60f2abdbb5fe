# The simulator against this host's silicon, and the decoder against Capstone.
set(ISA_SOURCES
  tests/isa/silicon.c tests/isa/simulated.c tests/isa/random_case.c tests/isa/random_operand.c
  tests/isa/random_value.c tests/isa/compare.c tests/isa/differences.c)

add_executable(differential tests/isa/differential.c ${ISA_SOURCES})
add_executable(decoder_capstone tests/isa/decoder_capstone.c tests/isa/capstone_list.c)
add_executable(silicon_selftest tests/isa/silicon_selftest.c tests/isa/silicon.c)

# Cases run below 4 GB in the test's own process: its image and libraries must not lie there.
set_target_properties(differential silicon_selftest PROPERTIES POSITION_INDEPENDENT_CODE ON)
foreach(target differential silicon_selftest)
  target_link_options(${target} PRIVATE -pie)
endforeach()

foreach(target differential decoder_capstone silicon_selftest)
  target_link_libraries(${target} isochron_parts)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/isa)
endforeach()
