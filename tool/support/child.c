/* Starting, signalling and waiting for one process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define PASSED_ON_COUNT (sizeof passed_on / sizeof *passed_on)

static volatile sig_atomic_t running; /* the child's pid; for the handler */
static volatile sig_atomic_t interrupted;

/* What the child is to do. */
struct job {
    char **arguments; /* or NULL: */
    int (*work)(void *context);
    void *context;
    struct child_files files;
};

/* What the terminal sends goes to the whole process group: the program has it already. */
static void pass_on(int number, siginfo_t *details, void *context) {
    (void)context;
    int reason = errno;
    interrupted = number;
    if (details->si_code != SI_KERNEL && running != 0)
        kill((pid_t)running, number);
    errno = reason;
}

static int use_files(const struct child_files *files) {
    if (files->input >= 0 && dup2(files->input, STDIN_FILENO) < 0)
        return -1;
    if (files->output < 0)
        return 0;
    return dup2(files->output, STDOUT_FILENO) < 0 || dup2(files->output, STDERR_FILENO) < 0 ? -1 : 0;
}

/* In the child: never returns. The pipe closes by itself when the program starts. */
static void become(const struct job *job, int error_pipe, const sigset_t *mask) {
    if (job->work != NULL) {
        sigprocmask(SIG_SETMASK, mask, NULL);
        close(error_pipe);
        int code = job->work(job->context);
        fflush(NULL);
        _exit(code);
    }
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (use_files(&job->files) == 0)
        execvp(job->arguments[0], job->arguments);
    int reason = errno;
    ssize_t written = write(error_pipe, &reason, sizeof reason);
    _exit(written == sizeof reason ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE);
}

static int wait_for(struct child *child) {
    int status;
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return 0;
}

static int run(struct child *child, const struct job *job) {
    struct sigaction pass = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART},
                     old[PASSED_ON_COUNT];
    sigset_t blocked, mask;
    int error_pipe[2], reason = 0;
    *child = (struct child){0};
    if (pipe2(error_pipe, O_CLOEXEC) != 0)
        return errno;
    /* Blocked until the handler knows whom to tell; a signal in between waits. */
    sigemptyset(&pass.sa_mask);
    sigemptyset(&blocked);
    for (size_t i = 0; i < PASSED_ON_COUNT; i++)
        sigaddset(&blocked, passed_on[i]);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    signal(SIGCHLD, SIG_DFL); /* were it ignored, as it may be inherited, there would be nobody to wait for */
    child->pid = fork();
    if (child->pid == 0)
        become(job, error_pipe[1], &mask);
    reason = child->pid < 0 ? errno : 0;
    running = child->pid > 0 ? child->pid : 0;
    interrupted = 0;
    for (size_t i = 0; i < PASSED_ON_COUNT; i++) {
        sigaction(passed_on[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN) /* nohup: ignored here and there */
            sigaction(passed_on[i], &pass, NULL);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    close(error_pipe[1]);
    if (child->pid > 0) {
        int told = 0;
        while (read(error_pipe[0], &told, sizeof told) < 0 && errno == EINTR)
            continue;
        reason = wait_for(child);
        reason = told != 0 ? told : reason;
    }
    running = 0;
    for (size_t i = 0; i < PASSED_ON_COUNT; i++)
        sigaction(passed_on[i], &old[i], NULL);
    child->interrupted = interrupted;
    close(error_pipe[0]);
    return reason;
}

int child_run(struct child *child, char **arguments, const struct child_files *files) {
    const struct job job = {.arguments = arguments,
                            .files = files != NULL ? *files : (struct child_files){-1, -1}};
    return run(child, &job);
}

int child_call(struct child *child, int (*work)(void *context), void *context) {
    const struct job job = {.work = work, .context = context};
    return run(child, &job);
}
