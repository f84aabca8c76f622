# SPDX-License-Identifier: Apache-2.0
# What a user can choose. The presets in CMakePresets.json set the rest for developers.

set(LN_TLS auto CACHE STRING
    "TLS libraries: openssl, mbedtls, both, none; auto = those of the two that are found")
set_property(CACHE LN_TLS PROPERTY STRINGS auto openssl mbedtls both none)
set(LN_RESOLVER cares CACHE STRING "Name resolution of the POSIX port: cares or none")
set_property(CACHE LN_RESOLVER PROPERTY STRINGS cares none)

option(BUILD_SHARED_LIBS "Build liblinnet as a shared library" OFF)
option(LN_PROGRAMS "Build the linnet program and the examples" ${PROJECT_IS_TOP_LEVEL})
option(LN_TESTS "Build the tests (static library only; needs cmocka)" OFF)
option(LN_WERROR "Make warnings errors" OFF)

option(LN_FUZZ "Build only the fuzz targets, with libFuzzer (needs clang)" OFF)
option(LN_COVERAGE "Instrument for gcov" OFF)
set(LN_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")
set(LN_TEST_TIMEOUT 600 CACHE STRING "Seconds a test program other than a unit test may take")

set(LN_KNOWN_TLS auto openssl mbedtls both none)
if(NOT LN_TLS IN_LIST LN_KNOWN_TLS)
    message(FATAL_ERROR "LN_TLS=${LN_TLS} is unknown; known: ${LN_KNOWN_TLS}")
endif()

set(LN_KNOWN_RESOLVERS cares none)
if(NOT LN_RESOLVER IN_LIST LN_KNOWN_RESOLVERS)
    message(FATAL_ERROR "LN_RESOLVER=${LN_RESOLVER} is unknown; known: ${LN_KNOWN_RESOLVERS}")
endif()

if(BUILD_SHARED_LIBS AND (LN_TESTS OR LN_FUZZ))
    message(FATAL_ERROR "The tests reach internal symbols, which a shared library hides: "
                        "use BUILD_SHARED_LIBS=OFF with LN_TESTS or LN_FUZZ")
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
