# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: headers, libraries, programs, manual pages, and the two ways to
# find them again, pkg-config and find_package. The tree may be moved, or installed to another
# --prefix than was configured.

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
file(RELATIVE_PATH bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
foreach(program IN ITEMS linnet_cli linnet_agent linnet_lab)
    if(TARGET ${program})
        # Only a shared library is looked for; packagers have CMAKE_SKIP_INSTALL_RPATH.
        if(BUILD_SHARED_LIBS AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
            set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
        endif()
        install(TARGETS ${program})
    endif()
endforeach()
if(TARGET linnet_agent)
    set(LN_SYSTEMD_UNITS lib/systemd/system CACHE STRING "Where the unit of linnet-agent goes; empty: nowhere")
    if(LN_SYSTEMD_UNITS)
        # Its program is where this prefix has it, which is known when it is installed.
        set(unit linnet-agent.service)
        install(CODE "set(LN_AGENT \"\${CMAKE_INSTALL_PREFIX}\")
cmake_path(APPEND LN_AGENT \"${CMAKE_INSTALL_BINDIR}\" linnet-agent)
configure_file(\"${PROJECT_SOURCE_DIR}/agent/data/${unit}.in\" \"${PROJECT_BINARY_DIR}/${unit}\" @ONLY)")
        install(FILES "${PROJECT_BINARY_DIR}/${unit}" DESTINATION "${LN_SYSTEMD_UNITS}")
    endif()
    install(FILES "${PROJECT_SOURCE_DIR}/agent/data/agent.ini" DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
foreach(page IN LISTS LN_MAN_PAGES)
    string(REGEX MATCH "[0-9]$" section "${page}")
    install(FILES "${page}" DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})

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
# Relative to the .pc file where the layout allows it.
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

# ln_install_pc(<library> <description>): what it requires stands in requires and requires_private.
function(ln_install_pc library description)
    string(REPLACE "_" "-" name ${library}) # linnet_testkit -> linnet-testkit.pc
    configure_file("${PROJECT_SOURCE_DIR}/cmake/linnet.pc.in" ${name}.pc @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${name}.pc"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

ln_install_pc(linnet "${PROJECT_DESCRIPTION}")
set(requires_private "")
set(requires "")
ln_install_pc(linnet_registry "Names and types of OMA's objects")
if(TARGET linnet_testkit)
    set(requires "linnet = ${PROJECT_VERSION}")
    ln_install_pc(linnet_testkit "In-memory network, virtual time and faults, for tests")
endif()
