/* nodestore: folders of files in one SQLite file; an example of a program that records with perftrace. */
#include <perftrace.h>

#include "store.h"

int main(int argc, char **argv) {
    int result = perftrace_init_default();
    if (result != 0)
        fprintf(stderr, "nodestore: not traced: %s\n", perftrace_error_text(result));
    int code = nodestore_run(argc, argv, stdout, stderr);
    perftrace_shutdown();
    return code;
}
