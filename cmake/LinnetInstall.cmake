# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the two ways to find it again: pkg-config and find_package.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/linnet/*.h")
set(libraries linnet linnet_registry)
if(TARGET linnet_testkit)
    list(APPEND libraries linnet_testkit)
else()
    list(FILTER headers EXCLUDE REGEX "/testkit\\.h$")
endif()

install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/linnet)
install(TARGETS ${libraries} EXPORT LinnetTargets
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET linnet_cli)
    install(TARGETS linnet_cli)
endif()
if(TARGET linnet_agent)
    install(TARGETS linnet_agent)
endif()
if(TARGET linnet_lab)
    install(TARGETS linnet_lab)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Linnet)
install(EXPORT LinnetTargets NAMESPACE Linnet:: DESTINATION ${package_dir})
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/LinnetConfig.cmake.in"
    LinnetConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(LinnetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/LinnetConfig.cmake"
    "${PROJECT_BINARY_DIR}/LinnetConfigVersion.cmake" DESTINATION ${package_dir})

# A static library brings its own needs to whoever links it; a shared one keeps them to itself.
list(JOIN LN_PC_REQUIRES ", " requires)
set(requires_private "")
if(BUILD_SHARED_LIBS)
    set(requires_private "${requires}")
    set(requires "")
endif()
# Relative to the .pc file where the layout allows it, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
    set(pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${up}")
    set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/linnet.pc.in" linnet.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/linnet.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
