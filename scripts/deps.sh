#!/bin/sh
# Makes sure that what a group of tasks needs is there: scripts/deps.sh [--optional] GROUP...   (build, demo, test, torture,
# consumers, bench, compare, lint). Installs what is missing from Debian's packages when run as root; otherwise prints the command to type
# and exits 2; with --optional it says what the caller will have to do without, and exits 0.
set -eu

# One line per need: the group, Debian's package, and how to see that it is there: a command, a <header>, or /files.
needs() {
    cat <<'END'
build     cmake            cmake
build     make             make
build     gcc              cc
build     libc6-dev        <stdio.h>
build     libsqlite3-dev   <sqlite3.h>
build     zlib1g-dev       <zlib.h>
build     libzstd-dev      <zstd.h>
test      g++              c++
test      gcc              gcc
test      clang            clang
test      git              git
test      pkg-config       pkg-config
test      python3          python3
test      jq               jq
test      zstd             zstd
test      sqlite3          sqlite3
test      libcmocka-dev    <cmocka.h>
test      libbenchmark-dev /usr/include/benchmark/benchmark.h
test      libode-dev       <ode/ode.h>
test      ocl-icd-opencl-dev /usr/lib/*/pkgconfig/OpenCL.pc
test      opencl-headers   <CL/cl.h>
test      pocl-opencl-icd  /etc/OpenCL/vendors/pocl.icd
test      libpng-dev       <png.h>
demo      libode-dev       <ode/ode.h>
demo      ocl-icd-opencl-dev /usr/lib/*/pkgconfig/OpenCL.pc
demo      opencl-headers   <CL/cl.h>
demo      pocl-opencl-icd  /etc/OpenCL/vendors/pocl.icd
demo      libpng-dev       <png.h>
fuzz      clang            clang
torture   e2fsprogs        mkfs.ext4
consumers libcmocka-dev    <cmocka.h>
consumers gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
consumers g++-aarch64-linux-gnu aarch64-linux-gnu-g++
consumers pkg-config       pkg-config
consumers qemu-user        qemu-aarch64
consumers chromium         chromium
consumers jq               jq
consumers nodejs           node
consumers npm              npm
consumers python3          python3
consumers libxml2-utils    xmllint
consumers python3-jsonschema /usr/lib/python3/dist-packages/jsonschema/__init__.py
consumers python3-yaml     /usr/lib/python3/dist-packages/yaml/__init__.py
consumers cmark-gfm        cmark-gfm
consumers yamllint         yamllint
consumers shellcheck       shellcheck
bench     python3          python3
compare   valgrind         valgrind
compare   uftrace          uftrace
compare   lttng-tools      lttng-sessiond
compare   liblttng-ust-dev <lttng/tracepoint.h>
bench     valgrind         valgrind
bench     lttng-tools      lttng
bench     liblttng-ust-dev <lttng/tracepoint-event.h>
bench     uftrace          uftrace
lint      clang-format     clang-format
lint      clang-tidy       clang-tidy
END
}

has() {
    case $1 in
    '<'*) printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n#include %s\n' "$1" |
        cc -E -x c - >/dev/null 2>&1 ;;
    /*) # shellcheck disable=SC2086  # a pattern
        set -- $1
        [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing() {
    for group; do
        needs | while read -r of package probe; do
            if [ "$of" = "$group" ] && ! has "$probe"; then
                echo "$package"
            fi
        done
    done | sort -u | tr '\n' ' '
}

# Ends the script: what is missing stays so.
give_up() {
    if [ "$optional" = yes ]; then
        echo "deps.sh: going on without: $packages" >&2
        exit 0
    fi
    exit 2
}

optional=no
if [ "${1-}" = --optional ]; then
    optional=yes
    shift
fi
for group; do
    needs | grep -q "^$group " || {
        echo "deps.sh: no group '$group'; there are: $(needs | cut -d' ' -f1 | sort -u | tr '\n' ' ')" >&2
        exit 2
    }
done

packages=$(missing "$@")
[ -n "$packages" ] || exit 0
echo "missing: $packages" >&2

if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps.sh: these are Debian's names; please install the same with your system's package manager" >&2
    give_up
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Please install them, then try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $packages" >&2
    give_up
fi

# The lists of packages may never have been fetched, or be too old to install from.
# shellcheck disable=SC2086  # a list of words
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing: $packages" >&2
if ! install; then
    if ! { apt-get update >"$log" 2>&1 && install; }; then
        cat "$log" >&2
        echo "deps.sh: apt-get could not install: $packages" >&2
        give_up
    fi
fi

packages=$(missing "$@")
if [ -n "$packages" ]; then
    echo "deps.sh: still missing after the installation: $packages" >&2
    give_up
fi
