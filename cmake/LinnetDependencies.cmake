# SPDX-License-Identifier: Apache-2.0
# What the library links. LN_LINKS: CMake targets; LN_PC_REQUIRES: the same for pkg-config.

set(LN_LINKS "")
set(LN_PC_REQUIRES "")

if("openssl" IN_LIST LN_TLS)
    find_package(OpenSSL 3.0 REQUIRED)
    list(APPEND LN_LINKS OpenSSL::SSL OpenSSL::Crypto)
    list(APPEND LN_PC_REQUIRES "openssl >= 3.0")
endif()

if(LN_RESOLVER STREQUAL "cares")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(LINNET_CARES REQUIRED IMPORTED_TARGET libcares)
    list(APPEND LN_LINKS PkgConfig::LINNET_CARES)
    list(APPEND LN_PC_REQUIRES "libcares")
endif()
