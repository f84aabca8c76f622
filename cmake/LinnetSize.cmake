# SPDX-License-Identifier: Apache-2.0
# Programs whose size is measured, by scripts/bench --only size: the target `size`, not part of `all`.
# They link the objects of the library themselves, since the linker's map names those of an archive
# without their folder; what is not used is dropped all the same. The map is beside the program.

add_custom_target(size)
function(ln_add_size name)
    add_executable(${name} ${ARGN} $<TARGET_OBJECTS:linnet>)
    ln_target_flags(${name})
    target_compile_definitions(${name} PRIVATE _POSIX_C_SOURCE=200809L)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${name} PRIVATE ${LN_LINKS})
    target_link_options(${name} PRIVATE "-Wl,--gc-sections,-Map=$<TARGET_FILE:${name}>.map")
    set_target_properties(${name} PROPERTIES
        EXCLUDE_FROM_ALL ON
        INTERPROCEDURAL_OPTIMIZATION OFF # of its own files, which would be counted with the library
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/size")
    add_dependencies(size ${name})
endfunction()

set(folder "${PROJECT_SOURCE_DIR}/examples")
ln_add_size(size_microcontroller
    "${folder}/08_microcontroller/device.c" "${folder}/08_microcontroller/board_none.c")
if(LN_PORT STREQUAL "posix")
    ln_add_size(size_hello "${folder}/01_hello.c")
endif()
