# SPDX-License-Identifier: Apache-2.0
# What the library links. LN_LINKS: CMake targets; LN_PC_REQUIRES: the same for pkg-config.

set(LN_LINKS "")
set(LN_PC_REQUIRES "")

# What scripts/setup built, where it did: build/deps/mbedtls.
set(LN_DEPS "${PROJECT_SOURCE_DIR}/build/deps/mbedtls")
if(EXISTS "${LN_DEPS}")
    list(PREPEND CMAKE_PREFIX_PATH "${LN_DEPS}")
endif()

# LN_TLS_LIBRARIES: what LN_TLS comes to, the default back end first.
set(LN_TLS_LIBRARIES "")
find_package(PkgConfig)
if(LN_TLS MATCHES "^(auto|both|openssl)$")
    if(NOT LN_TLS STREQUAL "auto")
        set(required REQUIRED)
    endif()
    find_package(OpenSSL 3.0 ${required})
    if(OPENSSL_FOUND)
        list(APPEND LN_TLS_LIBRARIES openssl)
        list(APPEND LN_LINKS OpenSSL::SSL OpenSSL::Crypto)
        list(APPEND LN_PC_REQUIRES "openssl >= 3.0")
    endif()
endif()
if(LN_TLS MATCHES "^(auto|both|mbedtls)$")
    # In the order in which a linker wants them. 4.0 has another interface for cryptography.
    set(LN_MBEDTLS_MODULES "mbedtls>=3.6" "mbedtls<4" "mbedx509>=3.6" "mbedcrypto>=3.6")
    pkg_check_modules(LINNET_MBEDTLS ${required} IMPORTED_TARGET ${LN_MBEDTLS_MODULES})
    if(LINNET_MBEDTLS_FOUND)
        list(APPEND LN_TLS_LIBRARIES mbedtls)
        list(APPEND LN_LINKS PkgConfig::LINNET_MBEDTLS)
        list(APPEND LN_PC_REQUIRES "mbedtls >= 3.6" "mbedx509 >= 3.6" "mbedcrypto >= 3.6")
    endif()
endif()
unset(required)
if(LN_TLS STREQUAL "auto" AND NOT LN_TLS_LIBRARIES)
    message(FATAL_ERROR "Neither OpenSSL >= 3.0 nor Mbed TLS 3.6 was found; -DLN_TLS=none builds "
                        "without one")
endif()
list(JOIN LN_TLS_LIBRARIES ", " text)
message(STATUS "TLS back ends: ${text}")

if(LN_RESOLVER STREQUAL "cares" AND LN_PORT STREQUAL "posix")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(LINNET_CARES REQUIRED IMPORTED_TARGET libcares)
    list(APPEND LN_LINKS PkgConfig::LINNET_CARES)
    list(APPEND LN_PC_REQUIRES "libcares")
endif()
