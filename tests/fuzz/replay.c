/* Runs a fuzz target without libFuzzer, over files and the files of folders: replay [-mutants=N] PATH.... With -mutants each input is
 * followed by so many others made from it, the same ones every time. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { INPUT_MAX = 1 << 20, SECONDS_MAX = 5 };

static uint64_t random_state = 1;
static unsigned long mutants, inputs;
static const char *running;

/* As libFuzzer's, if less clever: a few bytes changed, put in, taken out, or copied. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max) {
    uint64_t at = size > 0 ? fuzz_random(&random_state, size) : 0, some = 1 + fuzz_random(&random_state, 8);
    switch (fuzz_random(&random_state, 5)) {
    case 0:
        if (size > 0)
            data[at] ^= (uint8_t)(1u << fuzz_random(&random_state, 8));
        break;
    case 1:
        if (size > 0)
            data[at] = (uint8_t)(fuzz_random(&random_state, 2) == 0 ? 0xff : fuzz_random(&random_state, 256));
        break;
    case 2:
        if (size + some <= size_max) {
            memmove(data + at + some, data + at, size - at);
            for (uint64_t i = 0; i < some; i++)
                data[at + i] = (uint8_t)fuzz_random(&random_state, 256);
            return size + some;
        }
        break;
    case 3:
        if (some <= size - at) {
            memmove(data + at, data + at + some, size - at - some);
            return size - some;
        }
        break;
    default:
        if (some <= size - at)
            memmove(data + fuzz_random(&random_state, size - some + 1), data + at, some);
    }
    return size;
}

/* A target that has none of its own. */
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
                                                     unsigned seed) {
    (void)seed;
    return LLVMFuzzerMutate(data, size, size_max);
}

static void run(const uint8_t *data, size_t size) {
    clock_t start = clock();
    LLVMFuzzerTestOneInput(data, size);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    inputs++;
    if (seconds > SECONDS_MAX) {
        fprintf(stderr, "%s: %.1f s\n", running, seconds);
        exit(1);
    }
}

static void run_file(const char *path) {
    static uint8_t data[INPUT_MAX], mutant[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    running = path;
    run(data, size);
    size_t now = size;
    memcpy(mutant, data, size);
    for (unsigned long i = 0; i < mutants; i++) {
        if (i % 16 == 0) { /* each is made from the one before, but not for ever */
            now = size;
            memcpy(mutant, data, size);
        }
        now = LLVMFuzzerCustomMutator(mutant, now, size + 4096 < INPUT_MAX ? size + 4096 : INPUT_MAX,
                                      (unsigned)fuzz_random(&random_state, UINT32_MAX));
        run(mutant, now);
    }
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void run_path(const char *path) {
    struct stat status;
    struct dirent **entries;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        run_file(path);
        return;
    }
    int count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        run_path(name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void say_where(void) {
    if (running != NULL)
        fprintf(stderr, "while at %s\n", running);
}

int main(int argc, char **argv) {
    atexit(say_where);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-mutants=", 9) == 0)
            mutants = strtoul(argv[i] + 9, NULL, 10);
        else
            run_path(argv[i]);
    }
    running = NULL;
    printf("%lu inputs\n", inputs);
    return inputs > 0 ? 0 : 2;
}
