#!/usr/bin/env python3
"""Deletes perftrace from a C or C++ source: strip.py SOURCE >RESULT. What is left is what the author would have written
without it, line for line, so that both can be compiled and compared.

    PERF_SPAN(...);                                  ->  ;
    struct perftrace_handle h = PERF_SPAN_BEGIN(...) ->  (gone; ; stays)
    PERF_BLOCK(...) { ... }                          ->  for (one round) { ... }, as a `break` in it leaves the block
    PERF_TIME("name", expression)                    ->  (expression)
    perftrace_flush();                               ->  ;
    if (perftrace_init(&config) != 0)                ->  if ((0) != 0)

Anything else that still speaks of perftrace is an error: better none than a wrong comparison.
"""
import re
import sys

TOKEN = re.compile(
    r"""(?P<space>\s+|\\\n|//(?:\\\n|[^\n])*|/\*.*?\*/)
      | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
      | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])*')
      | (?P<word>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# Functions of perftrace.h that give something other than 0 when they do nothing.
RESULTS = {"perftrace_error_text": '("")'}
# Types and constants that an author may keep using: they come from perftrace_config.h, which holds no code.
KEPT = re.compile(r"PERFTRACE_(CONFIG_DEFAULT|FULL_\w+|TRACK_KIND_\w+|VERSION)$|PERF_(ERROR|WARN|INFO|DEBUG)$|perftrace_config$")
STATEMENT_FOLLOWS = (";", "{", "}", ")", ":", "else", "do")


class Stripper:
    def __init__(self, path):
        with open(path, encoding="utf-8") as source:
            text = source.read()
        self.path = path
        self.tokens = [(match.lastgroup, match.group()) for match in TOKEN.finditer(text)]

    def fail(self, index, why):
        line = 1 + sum(text.count("\n") for _, text in self.tokens[:index])
        sys.exit(f"{self.path}:{line}: {why}")

    def after_space(self, index):
        while index < len(self.tokens) and self.tokens[index][0] == "space":
            index += 1
        return index

    def text_at(self, index):
        return self.tokens[index][1] if index < len(self.tokens) else ""

    def closing(self, index):
        """The index just past the parenthesis that closes the one at `index`."""
        depth = 0
        for at in range(index, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[at][1], 0)
            if depth == 0:
                return at + 1
        self.fail(index, "this parenthesis is never closed")

    def arguments(self, index):
        """(end, [(begin, end) of each argument]) of the call whose parenthesis should be at `index`."""
        index = self.after_space(index)
        if self.text_at(index) != "(":
            self.fail(index, "perftrace without a parenthesis")
        end = self.closing(index)
        parts, depth, begin = [], 0, index + 1
        for at in range(index + 1, end):
            text = self.tokens[at][1]
            if (text == "," and depth == 0) or at == end - 1:
                parts.append((begin, at))
                begin = at + 1
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text, 0)
        return end, parts

    def lines(self, begin, end):
        return "\n" * sum(text.count("\n") for _, text in self.tokens[begin:end])

    def directive(self, text):
        if re.match(r'\s*#\s*include\s*[<"]perftrace\.h[>"]', text):
            return "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <perftrace_config.h>\n#line 0\n"
        if re.match(r"\s*#\s*(define|undef)\s+PERF_TARGET\b", text):
            return "\n" * text.count("\n")
        return text

    def strip(self, begin, end):
        """The text of the tokens, without perftrace."""
        out, index = [], begin
        while index < end:
            kind, text = self.tokens[index]
            if kind == "directive":
                if "perftrace.h" in text:
                    line = 1 + sum(t.count("\n") for _, t in self.tokens[:index])
                    text = self.directive(text).replace("#line 0\n", f"#line {line}\n")
                else:
                    text = self.directive(text)
                out.append(text)
                index += 1
            elif kind == "word" and text == "struct" and self.text_at(self.after_space(index + 1)) == "perftrace_handle":
                stop = index
                while self.text_at(stop) not in (";", "", "{", "}"):
                    stop = self.closing(stop) if self.text_at(stop) == "(" else stop + 1
                if self.text_at(stop) != ";":
                    self.fail(index, "only variables of type struct perftrace_handle can be deleted")
                out.append(self.lines(index, stop))
                index = stop
            elif kind == "word" and re.match(r"PERF_|PERFTRACE_|perftrace_", text) and not KEPT.match(text):
                index = self.use(index, out)
            else:
                out.append(text)
                index += 1
        return "".join(out)

    def use(self, index, out):
        """One use of a macro or function; returns the index past it."""
        name = self.text_at(index)
        stop, parts = self.arguments(index + 1)
        if name == "PERF_TIME":
            first, last = parts[1][0], parts[-1][1]
            out.append(self.lines(index, first) + "(" + self.strip(first, last) + ")")
        elif name.startswith("PERF_"):
            before = index - 1
            while before >= 0 and self.tokens[before][0] == "space":
                before -= 1
            if before >= 0 and self.tokens[before][0] != "directive" and self.text_at(before) not in STATEMENT_FOLLOWS:
                self.fail(index, f"{name} is not a statement of its own")
            wanted = "{" if name == "PERF_BLOCK" else ";"
            if self.text_at(self.after_space(stop)) != wanted:
                self.fail(index, f"{name} is not followed by {wanted}")
            loop = "for (int stripped = 0; stripped == 0; stripped = 1)" if name == "PERF_BLOCK" else ""
            out.append(self.lines(index, stop) + loop)
        elif name.startswith("perftrace_"):
            out.append(self.lines(index, stop) + RESULTS.get(name, "(0)"))
        else:
            self.fail(index, f"no rule for {name}")
        return stop


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: strip.py SOURCE")
    stripper = Stripper(sys.argv[1])
    sys.stdout.write(stripper.strip(0, len(stripper.tokens)))


if __name__ == "__main__":
    main()
