#!/bin/sh
# Makes docs/report.png, the picture in README.md: report_picture.sh BUILD [PICTURE]. It shows the page of `analyze --html` on
# examples/nodestore, which writes the sources to a folder.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
picture=${2:-$source/docs/report.png}
"$source/scripts/deps.sh" consumers
modules=$("$source/scripts/consumer_modules.sh" "$build")

folder=$build/consumers/report_picture
rm -rf "$folder"
mkdir -p "$folder/tree"
cp -r "$source/core" "$source/reader" "$source/runtime" "$source/tool" "$folder/tree/"
cd "$folder"
export PERF_TRACE_CHROME=0
TRACE_FILE=make.json "$build/bin/nodestore" make store
TRACE_FILE=import.json "$build/bin/nodestore" import store tree
TRACE_FILE=export.json "$build/bin/nodestore" export store copy
"$build/bin/perftrace" analyze --html=report.html export.ptrace
call=$("$build/bin/perftrace" analyze --format json export.ptrace | jq '[.slowest_calls.entries[] | select(.function == "export_directory")][1].number')
node "$source/scripts/report_picture.js" "$modules" report.html picture.png "$call"
cd - >/dev/null
cp "$folder/picture.png" "$picture"
echo "made $picture"
