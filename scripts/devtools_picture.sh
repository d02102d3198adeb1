#!/bin/sh
# Makes docs/devtools.png, the picture in README.md: devtools_picture.sh BUILD [PICTURE]. It shows examples/nodestore taking
# in the programs that were just built: files large enough for their spans to be longer than the millisecond that the
# panel shows at least.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
picture=${2:-$source/docs/devtools.png}
"$source/scripts/deps.sh" consumers
modules=$("$source/scripts/consumer_modules.sh" "$build")

folder=$build/consumers/picture
rm -rf "$folder"
mkdir -p "$folder/programs"
cp -r "$build/bin" "$folder/programs/"
cd "$folder"
PERF_TRACE_CHROME=0 "$build/bin/nodestore" make store
TRACE_FILE=trace.json "$build/bin/nodestore" import store programs
node "$source/scripts/devtools_picture.js" "$modules" trace.json picture.png import_file 4 4
cd - >/dev/null
cp "$folder/picture.png" "$picture"
echo "made $picture"
