/* The fake clocks: what they say is worked out from the real CLOCK_MONOTONIC. */
#define _GNU_SOURCE /* memfd_create, REG_RIP */
#include "fake_clocks.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* At `from` of the real clock the fake ones said this, and since then they go at these rates. */
struct phase {
    uint64_t from, monotonic, boottime, realtime, ticks;
    double rate, ticks_per_ns;
};

/* Written by one process at a time, read by all: `version` is odd while the phase changes. */
struct world {
    unsigned version;
    struct phase phase;
};

static struct world *world; /* NULL: the clocks are real */
__thread int64_t fake_tick_skew;
bool fake_distrusted_ticks;

static uint64_t real_ns(clockid_t clock) {
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct phase phase_now(void) {
    struct phase phase;
    unsigned version;
    do {
        version = __atomic_load_n(&world->version, __ATOMIC_ACQUIRE);
        phase = world->phase;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version % 2 != 0 || __atomic_load_n(&world->version, __ATOMIC_RELAXED) != version);
    return phase;
}

/* What has passed of the phase, by a clock of that rate. */
static uint64_t passed(const struct phase *phase, uint64_t real, double rate) {
    return (uint64_t)(int64_t)((double)(int64_t)(real - phase->from) * rate);
}

static void set_phase(struct phase phase) {
    unsigned version = world->version;
    __atomic_store_n(&world->version, version + 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    world->phase = phase;
    __atomic_store_n(&world->version, version + 2, __ATOMIC_RELEASE);
}

void fake_clocks_begin(void) {
    if (world == NULL)
        world = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (world == MAP_FAILED)
        abort();
    uint64_t now = real_ns(CLOCK_MONOTONIC);
    set_phase((struct phase){.from = now,
                             .monotonic = now,
                             .boottime = real_ns(CLOCK_BOOTTIME),
                             .realtime = real_ns(CLOCK_REALTIME),
                             .ticks = now * 5 / 2,
                             .rate = 1,
                             .ticks_per_ns = 2.5});
}

void fake_clocks_end(void) {
    munmap(world, 4096);
    world = NULL;
    fake_distrusted_ticks = false;
}

void fake_clocks_change(struct fake_change change) {
    struct phase phase = phase_now();
    uint64_t now = real_ns(CLOCK_MONOTONIC);
    phase.monotonic += passed(&phase, now, phase.rate);
    phase.boottime += passed(&phase, now, phase.rate) + change.suspended_ns;
    phase.realtime +=
        passed(&phase, now, phase.rate) + change.suspended_ns + (uint64_t)change.realtime_set_ns;
    phase.ticks += passed(&phase, now, phase.ticks_per_ns) + (uint64_t)change.tick_step;
    if (change.tick_reset)
        phase.ticks = 0;
    phase.from = now;
    phase.rate = 1 + change.slew_ppm * 1e-6;
    if (change.ticks_per_ns != 0)
        phase.ticks_per_ns = change.ticks_per_ns > 0 ? change.ticks_per_ns : 0;
    set_phase(phase);
}

/* The C library's, which needs no system call. */
static int (*real_clock_gettime)(clockid_t clock, struct timespec *now);

__attribute__((constructor)) static void find_real_clock(void) {
    void *found = dlsym(RTLD_NEXT, "clock_gettime");
    memcpy(&real_clock_gettime, &found, sizeof found);
}

/* ---- what the recorder calls ---------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now) {
    bool ours = clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME;
    if (world == NULL && real_clock_gettime != NULL)
        return real_clock_gettime(clock, now);
    if (world == NULL || !ours)
        return (int)syscall(SYS_clock_gettime, clock, now);
    struct phase phase = phase_now();
    uint64_t ns = passed(&phase, real_ns(CLOCK_MONOTONIC), phase.rate);
    ns += clock == CLOCK_MONOTONIC  ? phase.monotonic
          : clock == CLOCK_BOOTTIME ? phase.boottime
                                    : phase.realtime;
    now->tv_sec = (time_t)(ns / 1000000000u);
    now->tv_nsec = (long)(ns % 1000000000u);
    return 0;
}

/* The recorder's threads block all signals; the one by which ticks are faked must come through. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    sigset_t without;
    if (set != NULL && how != SIG_UNBLOCK) {
        without = *set;
        sigdelset(&without, SIGSEGV);
        set = &without;
    }
    return syscall(SYS_rt_sigprocmask, how, set, old, (size_t)8) == 0 ? 0 : -1;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    if (fake_distrusted_ticks && strstr(path, "available_clocksource") != NULL) {
        static const char sources[] = "hpet acpi_pm \n";
        int fd = memfd_create("clocksource", MFD_CLOEXEC);
        if (fd >= 0 && pwrite(fd, sources, sizeof sources - 1, 0) < 0)
            abort();
        return fd;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* ---- the tick counter ----------------------------------------------------------------------------- */

#if defined(__x86_64__)

static void emulate(int signal, siginfo_t *info, void *context) {
    static const unsigned char rdtsc[] = {0x0f, 0x31}, rdtscp[] = {0x0f, 0x01, 0xf9};
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const void *at = (const void *)registers[REG_RIP];
    (void)info;
    bool plain = world != NULL && memcmp(at, rdtsc, sizeof rdtsc) == 0;
    if (!plain && (world == NULL || memcmp(at, rdtscp, sizeof rdtscp) != 0)) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(signal, &standard, NULL);
        return;
    }
    struct phase phase = phase_now();
    uint64_t ticks = phase.ticks + passed(&phase, real_ns(CLOCK_MONOTONIC), phase.ticks_per_ns);
    ticks += (uint64_t)fake_tick_skew;
    registers[REG_RAX] = (greg_t)(uint32_t)ticks;
    registers[REG_RDX] = (greg_t)(ticks >> 32);
    if (!plain)
        registers[REG_RCX] = 0;
    registers[REG_RIP] += plain ? (greg_t)sizeof rdtsc : (greg_t)sizeof rdtscp;
}

bool fake_ticks_here(void) {
    struct sigaction action = {.sa_sigaction = emulate, .sa_flags = SA_SIGINFO};
    return sigaction(SIGSEGV, &action, NULL) == 0 && prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0;
}

#else

bool fake_ticks_here(void) {
    return false;
}

#endif
