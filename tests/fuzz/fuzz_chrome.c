/* The bytes of a trace -> items -> Chrome events, log lines and lines for people: each event is JSON and no longer than it may
 * be, each log line is read back as what it was written from, and no line for people has a control character in it. The
 * first byte says how long events may be. */
#include "fuzz.h"

#include "../../core/chrome.h"
#include "../../core/lines.h"
#include "../unit/json_check.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_MAX = 1 << 22, LINE_MAX_ = 1 << 20 };

struct sinks {
    struct perftrace_output chrome_output, log_output, console_output; /* the first: see the callbacks */
    struct perftrace_chrome *chrome;
    struct perftrace_trace_info info;
    size_t event_bytes_max;
    char *log;
    size_t log_length;
    uint64_t lines;
};

static struct sinks sinks;

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    if (size < 2)
        return LLVMFuzzerMutate(data, size, size_max);
    data[0] = seed % 8 == 0 ? (uint8_t)(seed >> 8) : data[0];
    return 1 + fuzz_mutate_trace(data + 1, size - 1, size_max - 1, seed);
}

static int take_event(struct perftrace_output *output, const char *text, size_t length) {
    (void)output;
    FUZZ_CHECK(json_check(text, length, NULL));
    FUZZ_CHECK(memchr(text, '\n', length) == NULL);
    FUZZ_CHECK(sinks.event_bytes_max == 0 || length <= sinks.event_bytes_max);
    return 0;
}

static int take_log_line(struct perftrace_output *output, const char *text, size_t length) {
    (void)output;
    FUZZ_CHECK(length > 0 && memchr(text, '\n', length) == text + length - 1);
    if (length > LINE_MAX_ || sinks.log_length + length > LOG_MAX)
        return 0;
    memcpy(sinks.log + sinks.log_length, text, length);
    sinks.log_length += length;
    sinks.lines++;
    return 0;
}

static int take_console_line(struct perftrace_output *output, const char *text, size_t length) {
    (void)output;
    for (size_t i = 0; i + 1 < length; i++)
        FUZZ_CHECK((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
    FUZZ_CHECK(text[length - 1] == '\n');
    return 0;
}

static void hear(void *context, const struct perftrace_reader *reader, const struct perftrace_item *item) {
    (void)context;
    sinks.info = *perftrace_reader_info(reader);
    FUZZ_CHECK(perftrace_chrome_item(sinks.chrome, item) == 0);
    perftrace_log_item(&sinks.log_output, item);
    perftrace_console_item(&sinks.console_output, item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 1 << 16)
        return 0;
    char *log = sinks.log != NULL ? sinks.log : malloc(LOG_MAX);
    sinks = (struct sinks){.chrome_output = {take_event},
                           .log_output = {take_log_line},
                           .console_output = {take_console_line},
                           .log = log,
                           .event_bytes_max = data[0] % 4 == 0 ? 0 : 1024 + (size_t)data[0] * 16};
    FUZZ_CHECK(log != NULL);
    sinks.info.process_name = sinks.info.executable = (struct perftrace_text){"", 0};
    sinks.chrome = perftrace_chrome_open(&(struct perftrace_chrome_options){
        .output = &sinks.chrome_output, .info = &sinks.info, .event_bytes_max = sinks.event_bytes_max});
    FUZZ_CHECK(sinks.chrome != NULL);
    fuzz_read(fuzz_file(data + 1, size - 1), hear, NULL);
    perftrace_chrome_close(sinks.chrome);
    struct fuzz_read back = fuzz_read(fuzz_file((const uint8_t *)sinks.log, sinks.log_length), NULL, NULL);
    FUZZ_CHECK(back.error == 0 && back.items == sinks.lines);
    return 0;
}
