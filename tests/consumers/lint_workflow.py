#!/usr/bin/python3
"""lint_workflow.py PERFTRACE MODULES TRACE: the workflows of docs/*.md, as actionlint, yamllint and shellcheck see them; and what the step that
checks a budget ends with, run as GitHub does, for budgets that TRACE keeps, breaks, and is too short for. Writes a line "true NAME" or "false NAME"
for each thing that is to be so."""
import json
import os
import pathlib
import re
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ACTIONLINT = """
    const { createLinter } = require(process.argv[1] + '/actionlint');
    createLinter().then((lint) => {
        console.log(JSON.stringify(lint(require('fs').readFileSync(0, 'utf8'), '.github/workflows/performance.yml')));
        process.exit(0);
    });"""


def say(fine, name, why=""):
    print("%s %s%s" % ("true" if fine else "false", name, "" if fine else ": %s" % str(why).replace("\n", " ")))


def ran(command, text, **more):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def actionlint(modules, text):
    result = ran(["node", "-e", ACTIONLINT, modules], text)
    try:
        return ["%(line)d: %(message)s" % problem for problem in json.loads(result.stdout)]
    except ValueError:
        return [result.stdout]


def yamllint(text):
    return ran(["yamllint", "-f", "parsable", "-d", "{extends: relaxed, rules: {line-length: disable}}", "-"], text).stdout.splitlines()


def shellcheck(script):
    return ran(["shellcheck", "-s", "bash", "-"], script).stdout.splitlines()


def workflows():
    for path in sorted((HERE / ".." / ".." / "docs").glob("*.md")):
        for block in re.findall(r"^```yaml\n(.*?)^```$", path.read_text(), re.M | re.S):
            if re.search(r"^jobs:", block, re.M):
                yield path.name, block


def steps(text):
    return [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]


def run_step(script, budget, perftrace, trace):
    """As GitHub does; the code that it ends with, what it printed, and the summary."""
    pathlib.Path("perf.budget").write_text(budget)
    summary = pathlib.Path("step.md")
    for left in (summary, pathlib.Path("summary.md")):
        left.unlink(missing_ok=True)
    if pathlib.Path(trace).resolve() != pathlib.Path("trace.ptrace").resolve():
        pathlib.Path("trace.ptrace").write_bytes(pathlib.Path(trace).read_bytes())
    result = ran(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script], "", env={
        **os.environ, "PATH": "%s:%s" % (pathlib.Path(perftrace).parent, os.environ["PATH"]), "GITHUB_STEP_SUMMARY": str(summary)})
    return result.returncode, result.stdout, summary.read_text() if summary.exists() else ""


def check_step(name, script, perftrace, trace):
    code, said, summary = run_step(script, "frame max <= 1h\n\"frame\" max <= 1h\n", perftrace, trace)
    say(code == 0 and "::warning::" in said and "1 passed, 0 failed, 1 inconclusive" in summary, "%s: what is inconclusive passes with a warning" % name, said)
    code, said, summary = run_step(script, "\"frame\" max <= 1h\n", perftrace, trace)
    say(code == 0 and "::" not in said and "1 passed, 0 failed, 0 inconclusive" in summary, "%s: what is kept passes" % name, said)
    code, said, summary = run_step(script, "\"frame\" max <= 1ns\n", perftrace, trace)
    say(code == 1 and "::error file=" in said and "0 passed, 1 failed, 0 inconclusive" in summary, "%s: what is broken fails" % name, said)
    code, said, summary = run_step(script, "\"frame\" maxi <= 1ns\n", perftrace, trace)
    say(code not in (0, 3) and "perf.budget:1:" in said, "%s: a mistake in the budget fails" % name, said)


def main(perftrace, modules, trace):
    modules = str(pathlib.Path(modules).resolve())
    found = list(workflows())
    say(len(found) > 0, "docs: there are workflows")
    for name, text in found:
        for linter, problems in (("actionlint", actionlint(modules, text)), ("yamllint", yamllint(text))):
            say(not problems, "%s: %s has nothing to say" % (name, linter), problems)
        scripts = [step["run"] for step in steps(text) if "run" in step]
        problems = [problem for script in scripts for problem in shellcheck(script)]
        say(scripts and not problems, "%s: shellcheck has nothing to say" % name, problems)
        for script in scripts:
            if "perftrace check" in script and "perf.budget" in script:
                check_step(name, script, perftrace, trace)
    # That they see something.
    text = found[0][1]
    for old, new in (("runs-on", "run-on"), ("always()", "alwayz()"), ("actions/checkout@v4", "actions/checkout"), ("    steps:", "    step:")):
        say(old in text and actionlint(modules, text.replace(old, new)), "actionlint notices that %s became %s" % (old, new))
    say(yamllint(text.replace("jobs:", "on: push\njobs:")), "yamllint notices the same key twice")
    say(shellcheck('cat $1 | grep "$(code'), "shellcheck notices what is not a script")


main(*sys.argv[1:])
