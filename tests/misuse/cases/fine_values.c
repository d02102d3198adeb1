/* Every type of value, without a warning. */
#include <perftrace.h>

enum colour { RED, GREEN };

struct bits {
    unsigned three : 3;
    int four : 4;
    bool flag : 1;
};

void fine_values(struct bits bits, enum colour colour, const char *text, char *writable,
                 const volatile void *address);
void fine_values(struct bits bits, enum colour colour, const char *text, char *writable,
                 const volatile void *address) {
    static const char array[] = "array";
    const int constant = 1;
    volatile int changing = 2;
    int numbers[3] = {1, 2, 3};
    PERF_SPAN("integers", "schar", (signed char)1, "uchar", (unsigned char)1, "short", (short)1, "ushort",
              (unsigned short)1, "int", 1, "unsigned", 1u, "long", 1L, "ulong", 1UL, "long long", 1LL,
              "ulong long", 1ULL, "size", sizeof bits, "char", 'c');
    PERF_METRIC("float", 1.5f, "double", 2.5, "bool", true, "comparison", constant < changing, "enum",
                colour);
    PERF_EVENT("bits", "three", bits.three, "four", bits.four, "flag", bits.flag);
    PERF_EVENT("texts", "literal", "text", "const", text, "writable", writable, "array", array, "choice",
               text != NULL ? text : "none");
    PERF_EVENT("pointers", "volatile", address, "numbers", numbers, "address", &numbers[1], "null",
               (void *)0);
    PERF_EVENT("expressions", "comma", (changing, constant), "sum", constant + changing, "index", numbers[1]);
}
