#!/bin/sh
# Installs the npm packages that tests/consumers/package-lock.json pins, and prints the folder they are in:
# consumer_modules.sh BUILD. Nothing is done when they are there already.
set -eu
pinned=$(cd "$(dirname "$0")/../tests/consumers" && pwd)
mkdir -p "$1/consumers"
folder=$(cd "$1/consumers" && pwd)
if ! cmp -s "$pinned/package-lock.json" "$folder/node_modules/installed.json"; then
    cp "$pinned/package.json" "$pinned/package-lock.json" "$folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
    cp "$pinned/package-lock.json" "$folder/node_modules/installed.json"
fi
echo "$folder/node_modules"
