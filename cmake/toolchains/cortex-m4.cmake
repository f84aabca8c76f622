# SPDX-License-Identifier: Apache-2.0
# A Cortex-M4 without an operating system, by the compiler gcc-arm-none-eabi with newlib:
#   cmake --preset min-m4, or cmake -B build --toolchain cmake/toolchains/cortex-m4.cmake ...
# Programs link with newlib's stubs of system calls, so that their size can be known without a board.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m4 -mthumb")
set(CMAKE_EXE_LINKER_FLAGS_INIT "--specs=nano.specs --specs=nosys.specs")

# Libraries and headers are the target's, programs the host's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
