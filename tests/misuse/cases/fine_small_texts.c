/* Texts in arrays shorter than the limit of a text: the compiler knows their size and may not mind. */
#include <perftrace.h>

#include <stdio.h>

struct node {
    char name[24];
    char owner[80];
};

int fine_small_texts(int id);
int fine_small_texts(int id) {
    struct node node;
    char local[16];
    int length = snprintf(node.name, sizeof node.name, "node %d", id);
    length += snprintf(node.owner, sizeof node.owner, "owner %d", id);
    length += snprintf(local, sizeof local, "%d", id);
    PERF_SPAN("node", "name", node.name, "owner", node.owner, "local", local, "literal", "text");
    PERF_EVENT("node", "name", &node.name[1], "choice", id > 3 ? node.name : local);
    PERF_METRIC("name", node.name);
    return length;
}
