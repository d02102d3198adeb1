/* Making bombs, and reading them within bounds. */
#include "bombs.h"

#include "torture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t random_state = 1;

uint64_t any(uint64_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 11) % below;
}

/* ---- making them ---- */

void bomb_begin(struct made *made) {
    random_state = 1;
    made_header(made, 1);
    made_process(made, PERFTRACE_CLOCK_MONOTONIC);
    made_track(made, 1, PERFTRACE_TRACK_THREAD, "main");
    made_site(made, BOMB_EVENT, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
    made_span_site(made, BOMB_SPAN, "s");
}

/* An event in a chunk of its own: what has to come out whatever stands around it. */
void bomb_add_event(struct made *made, uint64_t sequence) {
    const uint64_t word = made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, 1);
    made_chunk(made, 1, sequence, 0, sequence, &word, 1);
}

/* Chunks of a segment's length from many words of `make`. */
void bomb_add_words(struct made *made, uint32_t track, size_t count, uint64_t (*make)(size_t index)) {
    enum { WORDS = 8000 };
    static uint64_t words[WORDS];
    for (size_t at = 0, sequence = 0; at < count; at += WORDS, sequence++) {
        size_t some = count - at < WORDS ? count - at : WORDS;
        for (size_t i = 0; i < some; i++)
            words[i] = make(at + i);
        made_chunk(made, track, sequence, 0, 0, words, some);
        made_sync(made, at);
    }
}

void bomb_add_zeros(struct made *made, size_t bytes) {
    char *zeros = calloc(1, bytes);
    if (zeros == NULL)
        abort();
    made_add(made, zeros, bytes);
    free(zeros);
}

/* ---- reading them ---- */

static struct reading *watched; /* shared with the child */

static void read_bomb(void *path) {
    *watched = reading_of(path, 0);
}

/* In a child, so that one that hangs or crashes does not take the others with it. */
struct reading read_watched(const char *path) {
    if (watched == NULL)
        watched = torture_shared(sizeof *watched);
    memset(watched, 0, sizeof *watched);
    int status = torture_run(read_bomb, (void *)(uintptr_t)path, READING_SECONDS_MAX * 6);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: reading ended with %x", path,
                  (unsigned)status);
    reading_is_bounded(watched, path);
    return *watched;
}

bool write_whole(int fd, const void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t wrote = write(fd, (const char *)bytes + done, length - done);
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

struct reading read_written(bool (*write_all)(int fd)) {
    int ends[2];
    char path[32];
    torture_check(pipe(ends) == 0, "pipe");
    fflush(NULL);
    pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        _exit(write_all(ends[1]) ? 0 : 1);
    }
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    struct reading reading = read_watched(path);
    torture_note("%.2f s, %zu MiB", reading.seconds, reading.bytes_held >> 20);
    close(ends[0]);
    int status = torture_wait(writer, 10);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer ended with %x",
                  (unsigned)status);
    return reading;
}

/* The command reads them too, in its own ways. What it holds besides grows with what it tells. */
void command_reads(const char *path) {
    static const char *const ways[][6] = {
        {"analyze", "IT"},
        {"convert", "-o", "/dev/null", "-t", "folded", "IT"},
        {"info", "--format", "json", "IT"},
        {"convert", "-o", "/dev/null", "-t", "chrome", "IT"},
        {"convert", "-o", "/dev/null", "-t", "csv", "IT"},
    };
    double longest = 0;
    size_t most = 0;
    for (size_t i = 0; i < torture_times(2, sizeof ways / sizeof ways[0]); i++) {
        const char *arguments[8] = {0};
        for (size_t at = 0; at < 6 && ways[i][at] != NULL; at++)
            arguments[at] = strcmp(ways[i][at], "IT") == 0 ? path : ways[i][at];
        struct ran ran = ran_perftrace(arguments, READING_SECONDS_MAX * 6);
        torture_check(ran.status == 0 || ran.status == 2, "%s %s %s: %d", arguments[0],
                      i == 0 ? "" : arguments[4], path, ran.status);
        torture_check(ran.seconds <= READING_SECONDS_MAX, "%s %s %s: %.1f s", arguments[0], arguments[1],
                      arguments[4] != NULL ? arguments[4] : "", ran.seconds);
        longest = ran.seconds > longest ? ran.seconds : longest;
        most = ran.bytes_resident > most ? ran.bytes_resident : most;
        ran_free(&ran);
    }
    torture_note("the command: %.2f s, %zu MiB", longest, most >> 20);
}

static struct reading explode_as(const char *path, struct made *made) {
    torture_fresh_folder();
    write_bytes(path, made->bytes, made->length);
    torture_note("%.1f MB", (double)made->length / 1e6);
    made_free(made);
    struct reading reading = read_watched(path);
    torture_note("%.2f s, %zu MiB", reading.seconds, reading.bytes_held >> 20);
    command_reads(path);
    return reading;
}

struct reading explode(struct made *made) {
    return explode_as("bomb.ptrace", made);
}

struct reading explode_log(struct made *log) {
    return explode_as("bomb.log", log);
}

struct reading explode_json(struct made *json) {
    return explode_as("bomb.json", json);
}
