# SPDX-License-Identifier: Apache-2.0
# cli/*.c is the program `linnet`; each examples/NN_name.c, or folder of that form, is a program
# `example_NN_name`. All are in <build>/bin. They see <linnet/*.h> and nothing of src/.
# An example with a CMakeLists.txt of its own is a project that also builds outside of this tree; here
# it is built where pkg-config finds what the table LN_EXAMPLE_NEEDS_<name> says, if it says anything.

set(LN_EXAMPLE_NEEDS_05_own_event_loop "libuv >= 1.44")
set(LN_EXAMPLE_NEEDS_06_custom_tls "gnutls >= 3.7.9")

function(ln_add_program target name)
    add_executable(${target} ${ARGN})
    ln_target_flags(${target})
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
    target_link_libraries(${target} PRIVATE Linnet::linnet Linnet::registry)
    if(TARGET linnet_testkit)
        target_link_libraries(${target} PRIVATE Linnet::testkit)
    endif()
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()

ln_sources(sources cli)
if(sources AND LN_WHOLE)
    ln_add_program(linnet_cli linnet ${sources}) # the name `linnet` is the library's
    ln_link_backends(linnet_cli program_extra_backends ${LN_EXTRA_TLS})
    target_compile_definitions(linnet_cli PRIVATE LN_PROGRAM_VERSION="${PROJECT_VERSION}")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(LINNET_CJSON REQUIRED IMPORTED_TARGET libcjson) # for --json
    target_link_libraries(linnet_cli PRIVATE PkgConfig::LINNET_CJSON)
endif()

function(ln_add_example_project name)
    if(NOT DEFINED LN_EXAMPLE_NEEDS_${name})
        ln_add_project("${PROJECT_SOURCE_DIR}/examples/${name}")
        return()
    endif()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(LINNET_NEEDS_${name} QUIET "${LN_EXAMPLE_NEEDS_${name}}")
    if(LINNET_NEEDS_${name}_FOUND)
        ln_add_project("${PROJECT_SOURCE_DIR}/examples/${name}")
    else()
        message(STATUS "examples/${name} is left out: it needs ${LN_EXAMPLE_NEEDS_${name}}")
    endif()
endfunction()

file(GLOB examples CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/examples/[0-9][0-9]_*.c"
    "${PROJECT_SOURCE_DIR}/examples/[0-9][0-9]_*/*.c")
set(names ${examples})
list(TRANSFORM names REPLACE "^.*/examples/([^/.]+).*$" "\\1")
list(REMOVE_DUPLICATES names)
if(NOT LN_WHOLE)
    list(FILTER names INCLUDE REGEX "microcontroller")
endif()
foreach(name IN LISTS names)
    if(EXISTS "${PROJECT_SOURCE_DIR}/examples/${name}/CMakeLists.txt")
        ln_add_example_project(${name})
        continue()
    endif()
    set(sources ${examples})
    list(FILTER sources INCLUDE REGEX "/examples/${name}[/.]")
    ln_add_program(example_${name} example_${name} ${sources})
endforeach()
