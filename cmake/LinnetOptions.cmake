# SPDX-License-Identifier: Apache-2.0
# What a user can choose. The presets in CMakePresets.json set the rest for developers.

set(LN_TLS auto CACHE STRING
    "TLS libraries: openssl, mbedtls, both, none (bring your own); auto = those of the two that are found;
     off = no DTLS and TLS at all")
set_property(CACHE LN_TLS PROPERTY STRINGS auto openssl mbedtls both none off)
set(LN_EXTRA_TLS "" CACHE STRING
    "Folders with TLS back ends of your own for the linnet program, see docs/howto-tls-backend.md")
set(LN_PORT posix CACHE STRING
    "Operating system: posix, or none: a device brings its own, see docs/howto-microcontroller.md")
set_property(CACHE LN_PORT PROPERTY STRINGS posix none)
set(LN_RESOLVER cares CACHE STRING "Name resolution of the POSIX port: cares or none")
set_property(CACHE LN_RESOLVER PROPERTY STRINGS cares none)

option(BUILD_SHARED_LIBS "Build liblinnet as a shared library" OFF)
option(LN_SMALL "As little code as possible: what is left out is in docs/howto-microcontroller.md" OFF)
set(LN_WITHOUT "" CACHE STRING
    "What a device does without, a list of: attributes blocks create discover observe;
     see docs/howto-microcontroller.md")
option(LN_PROGRAMS "Build the linnet program and the examples" ${PROJECT_IS_TOP_LEVEL})
option(LN_TESTS "Build the tests (static library only; needs cmocka)" OFF)
option(LN_WERROR "Make warnings errors" OFF)

option(LN_FUZZ "Build only the fuzz targets, with libFuzzer (needs clang)" OFF)
option(LN_COVERAGE "Instrument for gcov" OFF)
set(LN_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")
set(LN_TEST_TIMEOUT 600 CACHE STRING "Seconds a test program other than a unit test may take")

set(LN_KNOWN_TLS auto openssl mbedtls both none off)
if(NOT LN_TLS IN_LIST LN_KNOWN_TLS)
    message(FATAL_ERROR "LN_TLS=${LN_TLS} is unknown; known: ${LN_KNOWN_TLS}")
endif()

set(LN_KNOWN_PORTS posix none)
if(NOT LN_PORT IN_LIST LN_KNOWN_PORTS)
    message(FATAL_ERROR "LN_PORT=${LN_PORT} is unknown; known: ${LN_KNOWN_PORTS}")
endif()

set(LN_KNOWN_RESOLVERS cares none)
if(NOT LN_RESOLVER IN_LIST LN_KNOWN_RESOLVERS)
    message(FATAL_ERROR "LN_RESOLVER=${LN_RESOLVER} is unknown; known: ${LN_KNOWN_RESOLVERS}")
endif()

set(LN_KNOWN_FEATURES attributes blocks create discover observe)
foreach(feature IN LISTS LN_WITHOUT)
    if(NOT feature IN_LIST LN_KNOWN_FEATURES)
        message(FATAL_ERROR "LN_WITHOUT=${feature} is unknown; known: ${LN_KNOWN_FEATURES}")
    endif()
endforeach()

if(BUILD_SHARED_LIBS AND (LN_TESTS OR LN_FUZZ))
    message(FATAL_ERROR "The tests reach internal symbols, which a shared library hides: "
                        "use BUILD_SHARED_LIBS=OFF with LN_TESTS or LN_FUZZ")
endif()

# Nothing was left out: the programs and the tests need all of the library.
set(LN_WHOLE ON)
if(LN_SMALL OR LN_WITHOUT OR LN_PORT STREQUAL "none" OR LN_TLS STREQUAL "off")
    set(LN_WHOLE OFF)
endif()
if((LN_TESTS OR LN_FUZZ) AND NOT LN_WHOLE)
    message(FATAL_ERROR "The tests are about the whole library: not with LN_SMALL, LN_WITHOUT, LN_PORT=none or LN_TLS=off")
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
