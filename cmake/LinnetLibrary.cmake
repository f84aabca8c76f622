# SPDX-License-Identifier: Apache-2.0
# The library `linnet` and, beside it, `linnet_testkit` (in-memory network, faults, virtual clock) and
# `linnet_registry` (names of OMA's objects, for programs that talk to people).

# ln_sources(<variable> <folder>...): the .c files directly in these folders. Files and folders
# that appear later are picked up by the next build. Where there are x.c and x_small.c, the second one
# is for LN_SMALL.
function(ln_sources variable)
    set(patterns "")
    foreach(folder IN LISTS ARGN)
        list(APPEND patterns "${PROJECT_SOURCE_DIR}/${folder}/*.c")
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
    if(LN_SMALL)
        set(large ${sources})
        list(FILTER large INCLUDE REGEX "_small\\.c$")
        list(TRANSFORM large REPLACE "_small\\.c$" ".c")
        list(REMOVE_ITEM sources ${large})
    else()
        list(FILTER sources EXCLUDE REGEX "[/_]small\\.c$")
    endif()
    set(${variable} "${sources}" PARENT_SCOPE)
endfunction()

# ln_add_library(<target> <STATIC or nothing> <source>...): CMake refuses a library without sources.
function(ln_add_library target type)
    set(sources ${ARGN})
    if(NOT sources)
        set(sources "${PROJECT_BINARY_DIR}/empty.c")
        file(CONFIGURE OUTPUT "${sources}" CONTENT "typedef int ln__empty;\n")
    endif()
    add_library(${target} ${type} ${sources})
    ln_target_flags(${target})
endfunction()

set(LN_FOLDERS src/base src/codec src/net src/tls
    src/coap src/http src/download src/lwm2m src/objects)
if(LN_PORT STREQUAL "posix")
    list(APPEND LN_FOLDERS src/net/posix src/port/posix)
endif()
foreach(library IN LISTS LN_TLS_LIBRARIES)
    list(APPEND LN_FOLDERS src/tls/${library})
endforeach()
ln_sources(sources ${LN_FOLDERS})

# A choice is a file, not an #if: of src/port/posix/resolver_*.c one is built.
foreach(choice IN LISTS LN_KNOWN_RESOLVERS)
    if(NOT choice STREQUAL LN_RESOLVER)
        list(FILTER sources EXCLUDE REGEX "/resolver_${choice}\\.c$")
    endif()
endforeach()

# The list of TLS back ends likewise: src/tls/builtin_<those that are linked>.c.
list(JOIN LN_TLS_LIBRARIES "_" tls_choice)
if(NOT tls_choice)
    set(tls_choice none)
endif()
list(FILTER sources EXCLUDE REGEX "/builtin_[a-z_]+\\.c$")
set(tls_list "${PROJECT_SOURCE_DIR}/src/tls/builtin_${tls_choice}.c")
if(EXISTS "${tls_list}")
    list(APPEND sources "${tls_list}")
endif()

# LN_TLS=off: of src/tls remains what needs no TLS socket, and x_off.c stands for x_tls.c.
if(LN_TLS STREQUAL "off")
    list(FILTER sources EXCLUDE REGEX "_tls\\.c$|/src/tls/")
    foreach(name IN ITEMS off digest builtin builtin_none certificate)
        list(APPEND sources "${PROJECT_SOURCE_DIR}/src/tls/${name}.c")
    endforeach()
else()
    list(FILTER sources EXCLUDE REGEX "[/_]off\\.c$")
endif()

# Strict C11 hides POSIX; only the two folders of the port may see it.
set(posix_sources ${sources})
list(FILTER posix_sources INCLUDE REGEX "/src/(net|port)/posix/")
set_property(SOURCE ${posix_sources} APPEND PROPERTY
    COMPILE_DEFINITIONS _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)

ln_add_library(linnet "" ${sources})
add_library(Linnet::linnet ALIAS linnet)
target_include_directories(linnet
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(linnet PRIVATE ${LN_LINKS})
if(LN_SMALL)
    target_compile_definitions(linnet PRIVATE LN_SMALL)
    # base itself may be asked for texts, by the program
    set(silent ${sources})
    list(FILTER silent EXCLUDE REGEX "/src/base/")
    set_property(SOURCE ${silent} APPEND PROPERTY
        COMPILE_OPTIONS -include "${PROJECT_SOURCE_DIR}/src/base/small.h")
endif()
foreach(feature IN LISTS LN_WITHOUT) # src/base/features.h
    string(TOUPPER "LN_WITHOUT_${feature}" definition)
    target_compile_definitions(linnet PRIVATE ${definition})
endforeach()
set_target_properties(linnet PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR})

# The testkit is built from internals, so it goes with the static library only.
if(NOT BUILD_SHARED_LIBS AND LN_WHOLE)
    ln_sources(sources src/net/mem src/testkit)
    ln_add_library(linnet_testkit STATIC ${sources})
    add_library(Linnet::testkit ALIAS linnet_testkit)
    target_include_directories(linnet_testkit PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(linnet_testkit PUBLIC linnet)
    set_target_properties(linnet_testkit PROPERTIES EXPORT_NAME testkit)
endif()

# Always static: 110 kB of names that no device wants, in the programs that do.
ln_sources(sources src/registry)
ln_add_library(linnet_registry STATIC ${sources})
add_library(Linnet::registry ALIAS linnet_registry)
target_include_directories(linnet_registry
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
set_target_properties(linnet_registry PROPERTIES EXPORT_NAME registry)
