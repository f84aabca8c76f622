# SPDX-License-Identifier: Apache-2.0
# TLS back ends from outside of the library, see docs/howto-tls-backend.md. A folder with one is a
# CMake project; its library has the property LINNET_TLS_BACKEND, the name of its table in C.

# ln_add_project(<folder>): add it once, whoever asks for it, with our flags on its targets.
function(ln_add_project folder)
    get_filename_component(folder "${folder}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
    get_property(added GLOBAL PROPERTY LN_PROJECTS)
    if(folder IN_LIST added)
        return()
    endif()
    set_property(GLOBAL APPEND PROPERTY LN_PROJECTS "${folder}")
    get_filename_component(name "${folder}" NAME)
    add_subdirectory("${folder}" "${CMAKE_BINARY_DIR}/projects/${name}")
    get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
        ln_target_flags(${target})
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    endforeach()
endfunction()

# ln_link_backends(<target> <list> <folder>...): link the back ends of these folders to a program,
# and write the source file that defines `const struct ln_tls_backend *const <list>[]`.
function(ln_link_backends program list)
    set(declarations "")
    set(rows "")
    foreach(folder IN LISTS ARGN)
        ln_add_project("${folder}")
        get_filename_component(folder "${folder}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
        get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
        set(found "")
        foreach(target IN LISTS targets)
            get_target_property(table ${target} LINNET_TLS_BACKEND)
            if(table)
                set(found yes)
                string(APPEND declarations "extern const struct ln_tls_backend ${table};\n")
                string(APPEND rows "    &${table},\n")
                target_link_libraries(${program} PRIVATE ${target})
            endif()
        endforeach()
        if(NOT found)
            message(FATAL_ERROR "${folder}: no target with the property LINNET_TLS_BACKEND")
        endif()
    endforeach()
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${program}_${list}.c" @ONLY
        CONTENT [[
/* Written by cmake/LinnetBackends.cmake. */
#include <linnet/tls_backend.h>

@declarations@extern const struct ln_tls_backend *const @list@[];
const struct ln_tls_backend *const @list@[] = {
@rows@    NULL,
};
]])
    target_sources(${program} PRIVATE "${PROJECT_BINARY_DIR}/${program}_${list}.c")
endfunction()
