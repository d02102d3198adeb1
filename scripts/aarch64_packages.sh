#!/bin/sh
# Unpacks the libraries for aarch64 that the tests and examples need, from Debian's packages, into FOLDER: aarch64_packages.sh
# FOLDER. The system's own packages and lists stay as they are.
set -eu
folder=$1
[ ! -e "$folder/done" ] || exit 0
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
folder=$(cd "$folder" && pwd)
cd "$folder"

apt() {
    apt-get -oAPT::Architecture=arm64 -oAPT::Architectures=arm64 -oAPT::Sandbox::User=root -oDir::State::Lists="$folder/lists" \
        -oDir::Cache="$folder/cache" "$@" >log 2>&1 || {
        cat log >&2
        exit 2
    }
}
apt update
apt download libcmocka0 libcmocka-dev libsqlite3-0 libsqlite3-dev zlib1g zlib1g-dev libzstd1 libzstd-dev
for package in *.deb; do
    dpkg-deb -x "$package" .
done
rm -rf lists cache ./*.deb
touch done
