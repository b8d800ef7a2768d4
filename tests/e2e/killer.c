/*
 * Ends the process it is preloaded into by SIGKILL at the n-th thing it does to the outside world:
 * before it is done, or with half of the bytes written. KILLER_AT is n; KILLER_COUNT names a file for the
 * number of all such things when the process ends by itself. Programs that the process starts are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long at, count;
static char report[4096];

__attribute__((constructor)) static void begin(void) {
    const char *n = getenv("KILLER_AT"), *file = getenv("KILLER_COUNT");
    at = n ? atol(n) : 0;
    if (file) strncpy(report, file, sizeof report - 1);
    unsetenv("LD_PRELOAD");
    unsetenv("KILLER_AT");
    unsetenv("KILLER_COUNT");
}

__attribute__((destructor)) static void end(void) {
    FILE *file = *report ? fopen(report, "w") : NULL;
    if (file) {
        fprintf(file, "%ld", count);
        fclose(file);
    }
}

static int is_the_moment(void) { return __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) == at; }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What is said to people does not count, nor what threads tell each other: that differs every time. */
static int is_outside(int fd) {
    struct stat meta;
    return fd > 2 && fstat(fd, &meta) == 0 && (S_ISREG(meta.st_mode) || S_ISSOCK(meta.st_mode));
}

/* What writes bytes leaves half of them. */
ssize_t write(int fd, const void *bytes, size_t n) {
    if (is_outside(fd) && is_the_moment()) {
        REAL(write)(fd, bytes, n / 2);
        die();
    }
    return REAL(write)(fd, bytes, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset) {
    if (is_the_moment()) {
        REAL(pwrite64)(fd, bytes, n / 2, offset);
        die();
    }
    return REAL(pwrite64)(fd, bytes, n, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
    if (is_the_moment()) {
        REAL(pwrite)(fd, bytes, n / 2, offset);
        die();
    }
    return REAL(pwrite)(fd, bytes, n, offset);
}

#define BEFORE(type, name, parameters, arguments) \
    type name parameters {                        \
        if (is_the_moment()) die();               \
        return REAL(name) arguments;              \
    }

BEFORE(ssize_t, send, (int fd, const void *bytes, size_t n, int flags), (fd, bytes, n, flags))
BEFORE(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
BEFORE(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n))
BEFORE(int, fsync, (int fd), (fd))
BEFORE(int, fdatasync, (int fd), (fd))
BEFORE(int, ftruncate64, (int fd, off64_t length), (fd, length))
BEFORE(int, rename, (const char *from, const char *to), (from, to))
BEFORE(int, unlink, (const char *path), (path))
