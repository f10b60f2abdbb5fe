# Fuzzers: each takes --seconds S and --seed N. exit is wrapped: see fuzz.h.
foreach(name fuzz_loader fuzz_guest fuzz_gdb fuzz_script fuzz_trace)
  add_executable(${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.c
    ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz.c)
  target_link_libraries(${name} isochron_parts)
  target_link_options(${name} PRIVATE -Wl,--wrap=exit)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/fuzz)
endforeach()
target_sources(fuzz_script PRIVATE ${CMAKE_SOURCE_DIR}/sim/commands/console.c
  ${CMAKE_SOURCE_DIR}/sim/commands/options.c ${CMAKE_SOURCE_DIR}/sim/commands/progress.c)
add_dependencies(fuzz_loader law_guest)
target_compile_definitions(fuzz_loader PRIVATE LAW_GUEST="${LAW_GUEST}")
