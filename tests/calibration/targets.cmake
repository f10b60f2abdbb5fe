# The timing models against measured parts: a program, run by ./test.
add_executable(calibrate tests/calibration/calibrate.c tests/calibration/calibrate_memory.c)
target_link_libraries(calibrate isochron_parts)
target_compile_definitions(calibrate PRIVATE
  CALIBRATION_TABLES="${CMAKE_SOURCE_DIR}/tests/calibration")
set_target_properties(calibrate PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/calibration)
