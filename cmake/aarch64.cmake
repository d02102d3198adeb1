# Builds for aarch64 on another processor, and runs what was built under qemu-user (the preset aarch64). The libraries
# that the tests and examples need are where scripts/aarch64_packages.sh put them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(PERFTRACE_PACKAGES $ENV{PERFTRACE_AARCH64_PACKAGES} CACHE PATH "Where Debian's packages for aarch64 are unpacked")
set(CMAKE_CROSSCOMPILING_EMULATOR
    "qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${PERFTRACE_PACKAGES}/usr/lib/aarch64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH ${PERFTRACE_PACKAGES} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PERFTRACE_PACKAGES})
set(ENV{PKG_CONFIG_LIBDIR} ${PERFTRACE_PACKAGES}/usr/lib/aarch64-linux-gnu/pkgconfig)
