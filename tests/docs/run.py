#!/usr/bin/env python3
"""Runs the examples of README.md, docs/guide.md, docs/analysis.md, docs/engine.md, docs/ci.md, docs/benchmarks.md and the manual pages, and checks that the guide speaks of all there is
and of nothing else. In the environment: PERFTRACE_SOURCE, PERFTRACE_BUILD.

In the Markdown a comment on the line before a fenced block says what the block is for:
    <!-- test -->            is run by sh -e; all blocks of a file in one folder, the installed command on the PATH
    <!-- output -->          is what the last test wrote on standard output; … in it stands for anything
    <!-- file NAME -->       is written to NAME; where NAME is a path in the source tree, it must be the same as that file
    <!-- not run: REASON --> is not run
A block of ```sh has one of them. In a manual page the lines between .EX and .EE are commands.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["PERFTRACE_SOURCE"])
BUILD = pathlib.Path(os.environ["PERFTRACE_BUILD"])
TOLD_BY_ENVIRONMENT = ("TRACE_FILE", "RUST_LOG", "NO_COLOR", "COLUMNS")
FENCE = re.compile(r"(?:^<!-- ([^\n]*?) -->\n)?^( *)```(\w*)\n(.*?)^ *```$", re.M | re.S)
problems = []


def complain(where, what):
    problems.append("%s: %s" % (where, what))


def environment(prefix):
    """As of a user who has installed perftrace at `prefix`."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PERF", *TOLD_BY_ENVIRONMENT))}
    libraries = next(prefix.rglob("perftrace.pc")).parent
    env["PATH"] = "%s:%s:%s:%s" % (prefix / "bin", prefix / "stubs", BUILD / "bin", env["PATH"])
    env["PKG_CONFIG_PATH"] = str(libraries)
    env["LD_LIBRARY_PATH"] = str(libraries.parent)
    return env


def run(script, folder, env):
    try:
        return subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, text=True, errors="replace")
    except subprocess.TimeoutExpired as late:  # 124, as of timeout(1)
        return subprocess.CompletedProcess(late.cmd, 124, "", "still ran after %g s\n" % late.timeout)


def matches(pattern, text):
    expression = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", pattern))
    return re.fullmatch(expression, text, re.S)


# ---- Markdown ---------------------------------------------------------------------------------------------------


def write_file(where, name, text, folder):
    if "/" not in name:
        (folder / name).write_text(text)
    elif (SOURCE / name).read_text() != text:
        complain(where, "is not the same as %s" % name)
    else:
        (folder / pathlib.Path(name).name).write_text(text)


def check_markdown(path, folder, env):
    text = path.read_text()
    output, tests = None, 0
    for match in FENCE.finditer(text):
        mark, indent, language, block = match.groups()
        block = re.sub("^" + indent, "", block, flags=re.M)
        where = "%s:%d" % (path.relative_to(SOURCE), text.count("\n", 0, match.start(3)) + 1)
        if mark is None or mark.startswith("not run: "):
            if mark is None and language == "sh":
                complain(where, "a block of sh that is neither run nor said not to be")
        elif mark.startswith("file "):
            write_file(where, mark[5:], block, folder)
        elif mark == "test":
            result = run(block, folder, env)
            output, tests = result.stdout, tests + 1
            if result.returncode != 0:
                complain(where, "ends with %d:\n%s%s" % (result.returncode, result.stdout, result.stderr))
        elif mark != "output":
            complain(where, "unknown mark: %s" % mark)
        elif output is None or not matches(block.rstrip("\n"), output.replace("\r", "").rstrip("\n")):
            complain(where, "the last test wrote something else:\n%s" % output)
    if tests == 0:
        complain(path.name, "has no examples")


# ---- manual pages -----------------------------------------------------------------------------------------------


def prepare_manual(folder, prefix, env):
    """What the examples of the pages take for granted: a trace, logs, and a test suite that writes log lines."""
    (folder / "logs").mkdir()
    run("perftrace run --log -- %s/bin/quickstart 2>logs/app.log" % BUILD, folder, env)
    (prefix / "stubs").mkdir()
    cargo = prefix / "stubs" / "cargo"
    cargo.write_text("#!/bin/sh\ncat '%s' >&2\n" % (folder / "logs" / "app.log"))
    cargo.chmod(0o755)


def check_manual(path, folder, env):
    for block in re.findall(r"^\.EX\n(.*?)^\.EE$", path.read_text(), re.M | re.S):
        for line in block.replace("\\-", "-").replace("\\e", "\\").splitlines():
            result = run(line, folder, env)
            if result.returncode != 0:
                complain(path.name, "%s: ends with %d:\n%s" % (line, result.returncode, result.stderr))


# ---- the inventory ----------------------------------------------------------------------------------------------


def read(*names):
    return "".join((SOURCE / name).read_text() for name in names)


def section(text, begin, end="\n}"):
    start = text.index(begin)
    return text[start : text.index(end, start)]


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def inventory():
    """All that the guide has to speak of."""
    config = without_comments(read("include/perftrace_config.h"))
    api = without_comments(read("include/perftrace.h"))
    names = set(re.findall(r"^#define (PERF_\w+)", api, re.M)) | {"PERF_TRACE"}
    names |= set(re.findall(r"PERFTRACE_FUNCTION_\([^(]*?(perftrace_\w+)\(", api))
    names |= set(re.findall(r"\b(perftrace_\w+)\(", without_comments(read("include/perftrace_reader.h"))))
    names |= set(re.findall(r"\b(PERF_[A-Z_]+|PERFTRACE_\w+) = ", config))
    names |= set(re.findall(r"#define (PERFTRACE_(?:CONFIG|STATISTICS)_(?!H\b)\w+)", config))
    for struct in ("struct perftrace_config {", "struct perftrace_statistics {"):
        names |= set(re.findall(r"(\w+)(?:\[\w+\])?;", section(config, struct)))
    for folder in ("runtime", "tool/support", "tool/commands"):
        for file in (SOURCE / folder).glob("*.c"):
            names |= set(re.findall(r'(?:getenv|override_flag)\("(\w+)"', file.read_text()))
    return names


def check_guide(env, folder):
    guide = read("docs/guide.md")
    words = set(re.findall(r"\w+", guide))
    for name in sorted(inventory() - words):
        complain("docs/guide.md", "does not speak of %s" % name)
    listed = run("perftrace help --list", folder, env).stdout.split("\n")
    options = {"--version", "--help"}
    for line in filter(None, listed):
        command, _, option = line.partition(" ")
        begin = guide.find("### perftrace %s\n" % command)
        part = guide[begin : guide.find("\n#", begin + 1)] if begin >= 0 else ""
        options.add(option)
        if option not in part:
            complain("docs/guide.md", "does not speak of perftrace %s %s" % (command, option))
    for name in re.findall(r"EXPORTER\((\w+)\)", read("tool/export/list.h")):
        if not re.search(r"--to=[\w\\|]*\b%s\b" % name, guide):
            complain("docs/guide.md", "does not speak of the format %s" % name)
    check_existence(options)


def check_existence(options):
    """What the documents speak of is there."""
    headers = "".join(file.read_text() for file in sorted((SOURCE / "include").glob("*.h")))
    sources = headers + "".join(
        file.read_text() for part in ("core", "runtime", "reader", "format") for file in sorted((SOURCE / part).glob("*.[ch]"))
    )
    examples = {file.stem for file in (SOURCE / "examples").glob("*/*.c")}
    known = set(re.findall(r"\w+", sources)) | inventory() | examples
    for path in [SOURCE / "README.md", SOURCE / "ARCHITECTURE.md", SOURCE / "docs" / "guide.md", SOURCE / "docs" / "analysis.md", SOURCE / "docs" / "engine.md", SOURCE / "docs" / "benchmarks.md", *SOURCE.glob("docs/decisions/*.md")]:
        text = path.read_text()
        for word in sorted(set(re.findall(r"\b(?:PERF|perf)(?:TRACE|trace)?_\w+", text)) - known):
            complain(path.relative_to(SOURCE), "%s: there is no such thing" % word)
        for block in re.findall(r"perftrace (?:run|info|convert|analyze|help)[^`\n]*", text):
            for option in re.findall(r"(?<!\S)--[a-z-]+", block.split(" -- ")[0]):
                if option not in options:
                    complain(path.relative_to(SOURCE), "perftrace has no option %s" % option)


# -----------------------------------------------------------------------------------------------------------------


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        prefix = scratch / "prefix"
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": ""})
        env = environment(prefix)
        for number, path in enumerate([SOURCE / "README.md", *(SOURCE / "docs" / name for name in ("guide.md", "analysis.md", "engine.md", "ci.md", "benchmarks.md"))]):
            folder = scratch / str(number)
            folder.mkdir()
            check_markdown(path, folder, env)
        folder = scratch / "manual"
        folder.mkdir()
        prepare_manual(folder, prefix, env)
        for path in sorted((SOURCE / "docs" / "man").glob("*.[1-8]")):
            check_manual(path, folder, env)
        check_guide(env, folder)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
