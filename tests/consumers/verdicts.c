/* A program whose spans have names, and whose source has a path, that try to be more than that wherever a verdict is shown: for
 * read_verdicts.py. With PAUSE_US=400 all are slower, one is new and one is gone. */
#define PERF_TARGET "verdicts"
#include <perftrace.h>

#include <unistd.h>

#ifndef PAUSE_US
#define PAUSE_US 100
#endif
#define SPAN(name)                                                                                           \
    do {                                                                                                     \
        PERF_SPAN(name, "id", 1);                                                                            \
        usleep(PAUSE_US);                                                                                    \
    } while (0)

/* clang-format off */
static void all(int turn) {
    PERF_SPAN("frame", "turn", turn);
#line 7 "src/odd [name](x), 100%:a b/caf\303\251.c"
    SPAN("<script>hit=1</script>");
    SPAN("<img src=x onerror=hit=1>");
    SPAN("a | b || c \\| d");
    SPAN("```\n# no heading\n```");
    SPAN("`code` ``more`` ~~gone~~ *strong* _weak_");
    SPAN("[link](https://example.org) ![picture](x.png) operator[](int)");
    SPAN("https://example.org www.example.org me@example.org");
    SPAN("@everybody #1 GH-1 :tada: a::b::c std::vector<int>&");
    SPAN("::error file=x::hit %0A%25 ##[error]hit");
    SPAN("]]>--><x/> &amp; &#60; 'single'");
    SPAN("</details></summary></table>");
    SPAN("\033[31mred\r\n\t\001 \342\200\256 \377\376 \357\277\277 caf\303\251");
    SPAN("    indented");
    SPAN("- list");
    SPAN("$x$ $$y$$ \\(z\\) {0} {{1}}");
    SPAN("");
#if PAUSE_US > 100
    SPAN("new @everybody <b>|`#2");
#else
    SPAN("gone @everybody <b>|`#2");
#endif
}
/* clang-format on */

int main(void) {
    perftrace_init_default();
    for (int turn = 0; turn < 20; turn++)
        all(turn % 3);
}
