/* Traces of processes that send each other messages, put together in one Chrome file: they are on one time scale, whether they
 * are of one machine or of two. */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include "../../core/crc32c.h"
#include "../../format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES = 1000 };
#define HOUR_NS 3600000000000.0

/* Process 0 sends messages to process 1. */
struct process {
    unsigned self;
    int pipe[2];
};

static void take_part(void *argument) {
    const struct process *process = argument;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.trace_path = process->self == 0 ? "p0.ptrace" : "p1.ptrace";
    if (perftrace_init(&config) != 0)
        exit(90);
    for (uint64_t number = 0; number < MESSAGES; number++) {
        if (process->self == 0) {
            PERF_EVENT("send", "number", number);
            PERF_FLOW_BEGIN("message", number);
            if (write(process->pipe[1], &number, sizeof number) != sizeof number)
                exit(91);
            usleep(200);
        } else {
            uint64_t received;
            if (read(process->pipe[0], &received, sizeof received) != sizeof received || received != number)
                exit(92);
            PERF_EVENT("receive", "number", number);
            PERF_FLOW_END("message", number);
        }
    }
}

static void record_both(void) {
    struct process process;
    pid_t children[2];
    if (pipe(process.pipe) != 0)
        exit(2);
    for (process.self = 0; process.self < 2; process.self++)
        children[process.self] = torture_start(take_part, &process);
    close(process.pipe[0]);
    close(process.pipe[1]);
    for (unsigned i = 0; i < 2; i++)
        torture_check(torture_wait(children[i], 30) == 0, "process %u ended with an error", i);
}

/* Makes the trace one of another machine, whose time of day is an hour ahead. */
static void move_to_another_host(const char *path, const char *moved) {
    static unsigned char bytes[16 << 20];
    struct perftrace_block_header header;
    struct perftrace_block_process process;
    FILE *file = fopen(path, "rb");
    size_t length = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    unsigned changed = 0; /* a PROCESS may be told of more than once */
    for (size_t at = sizeof(struct perftrace_file_header); at + sizeof header <= length;
         at += sizeof header + header.bytes) {
        unsigned char *payload = bytes + at + sizeof header;
        memcpy(&header, bytes + at, sizeof header);
        if (header.kind != PERFTRACE_BLOCK_PROCESS)
            continue;
        memcpy(&process, payload, sizeof process);
        memset(process.boot_id, 0x5a, sizeof process.boot_id);
        process.start_realtime_ns += (uint64_t)HOUR_NS;
        memcpy(payload, &process, sizeof process);
        header.checksum = 0;
        header.checksum =
            perftrace_crc32c(perftrace_crc32c(0, &header, sizeof header), payload, header.bytes);
        memcpy(bytes + at, &header, sizeof header);
        changed++;
    }
    torture_check(changed > 0, "%s: no PROCESS", path);
    file = fopen(moved, "wb");
    torture_check(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, "%s", moved);
}

/* Microseconds of the event of that name and number, and the pid it has. */
static bool find_event(const char *line, const char *name, double *us, unsigned *pid, uint64_t *number) {
    char text[64];
    snprintf(text, sizeof text, "\"name\":\"%s\"", name);
    const char *ts = strstr(line, "\"ts\":"), *p = strstr(line, "\"pid\":"), *n = strstr(line, "\"number\":");
    if (strstr(line, text) == NULL || ts == NULL || p == NULL || n == NULL)
        return false;
    *us = strtod(ts + 5, NULL);
    *pid = (unsigned)strtoul(p + 6, NULL, 10);
    *number = strtoull(n + 9, NULL, 10);
    return true;
}

/* The least and the most time, in us, between a message's events "send" and "receive". */
static void check_together(const char *second, double least_us, double most_us) {
    static double sent[MESSAGES];
    char command[512], line[4096];
    unsigned pid, sender = 0;
    uint64_t receivers = 0;
    uint64_t number, checked = 0;
    double us;
    snprintf(command, sizeof command, "'%s' convert --to chrome -o both.json p0.ptrace %s",
             getenv("PERFTRACE"), second);
    torture_check(torture_shell(command), "%s", command);
    memset(sent, 0, sizeof sent);
    for (unsigned round = 0; round < 2; round++) {
        FILE *file = fopen("both.json", "r");
        while (file != NULL && fgets(line, sizeof line, file) != NULL)
            if (round == 0 && find_event(line, "send", &us, &pid, &number) && number < MESSAGES) {
                sent[number] = us;
                sender = pid;
            } else if (round == 1 && find_event(line, "receive", &us, &pid, &number) && number < MESSAGES &&
                       sent[number] != 0) {
                torture_check(us - sent[number] >= least_us && us - sent[number] <= most_us,
                              "message %llu: %.3f us", (unsigned long long)number, us - sent[number]);
                receivers += pid != sender;
                checked++;
            }
        if (file != NULL)
            fclose(file);
    }
    torture_check(checked == MESSAGES && receivers == checked,
                  "%llu messages, %llu from one process to the other", (unsigned long long)checked,
                  (unsigned long long)receivers);
}

/* Flows of one name and number have one id, which is what viewers go by. */
static void check_flows(void) {
    static const char filter[] =
        "[.traceEvents[] | select(.ph == \"s\" or .ph == \"f\")] | group_by(.id) | length == 1000 and "
        "all(.[]; length == 2 and .[0].pid != .[1].pid)";
    char command[512];
    snprintf(command, sizeof command, "jq -e '%s' both.json >flows.out 2>&1", filter);
    torture_check(torture_shell(command), "flows do not lead from one process to the other");
}

static void one_machine(void) {
    torture_fresh_folder();
    record_both();
    check_together("p1.ptrace", 0, 1e6);
    check_flows();
}

static void two_machines(void) {
    torture_fresh_folder();
    record_both();
    move_to_another_host("p1.ptrace", "moved.ptrace");
    check_together("moved.ptrace", HOUR_NS / 1e3 - 1e3, HOUR_NS / 1e3 + 1e6);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"one_machine", one_machine},
        {"two_machines", two_machines},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
