// System calls that fail when they are told to, for a program that is started with this in LD_PRELOAD.
//
// FAULT_SCOPE  a part of a path: calls on other files are left alone
// FAULT_AT     CALL:N:ERRNO, the Nth call of this kind fails; `N+` says that all from there on do
// FAULT_COUNT  a file to write the number of calls of each kind to, at the end
// FAULT_CLOCK  OFFSET:EVERY, the clock of the day is off by so many seconds, and changes sides each EVERY calls
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, FSYNC, RENAME, UNLINK, MKDIR, TRUNCATE, LOCK, STAT, KINDS };
static const char *const names[KINDS] = {"open",   "read",  "write",    "fsync", "rename",
                                         "unlink", "mkdir", "truncate", "lock",  "stat"};
static long calls[KINDS];

static int in_scope(const char *path) {
    const char *scope = getenv("FAULT_SCOPE");
    return scope && path && strstr(path, scope) != NULL;
}

static int fd_in_scope(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return in_scope(path);
}

// Counts a call in scope; the error that it is to fail with, or 0.
static int fails(int kind, int scope) {
    if (!scope) return 0;
    long n = __atomic_add_fetch(&calls[kind], 1, __ATOMIC_RELAXED);
    const char *at = getenv("FAULT_AT");
    size_t length = strlen(names[kind]);
    if (!at || strncmp(at, names[kind], length) || at[length] != ':') return 0;
    char *rest;
    long first = strtol(at + length + 1, &rest, 10);
    int on = *rest == '+';
    int error = atoi(rest + on + 1);
    return n == first || (on && n > first) ? error : 0;
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FAULT_COUNT");
    if (!path) return;
    unsetenv("FAULT_SCOPE");
    FILE *out = fopen(path, "w");
    if (!out) return;
    for (int kind = 0; kind < KINDS; kind++) fprintf(out, "%s %ld\n", names[kind], calls[kind]);
    fclose(out);
}

#define REAL(type, name, ...)                                      \
    static type (*real)(__VA_ARGS__);                              \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)
#define FAIL(kind, scope)                \
    do {                                 \
        int error = fails(kind, scope);  \
        if (error) return errno = error, -1; \
    } while (0)

#define OPENER(name)                                         \
    int name(const char *path, int flags, ...) {             \
        va_list list;                                        \
        va_start(list, flags);                               \
        mode_t mode = va_arg(list, int);                     \
        va_end(list);                                        \
        REAL(int, name, const char *, int, ...);             \
        FAIL(OPEN, in_scope(path));                          \
        return real(path, flags, mode);                      \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                      \
    int name(int folder, const char *path, int flags, ...) { \
        va_list list;                                        \
        va_start(list, flags);                               \
        mode_t mode = va_arg(list, int);                     \
        va_end(list);                                        \
        REAL(int, name, int, const char *, int, ...);        \
        FAIL(OPEN, in_scope(path));                          \
        return real(folder, path, flags, mode);              \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

ssize_t read(int fd, void *to, size_t length) {
    REAL(ssize_t, read, int, void *, size_t);
    FAIL(READ, fd_in_scope(fd));
    return real(fd, to, length);
}

// A disk that fills up takes a part first.
ssize_t write(int fd, const void *from, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    int error = fails(WRITE, fd_in_scope(fd));
    if (error == ENOSPC && length > 1) return real(fd, from, length / 2);
    if (error) return errno = error, -1;
    return real(fd, from, length);
}

int fsync(int fd) {
    REAL(int, fsync, int);
    FAIL(FSYNC, fd_in_scope(fd));
    return real(fd);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    FAIL(RENAME, in_scope(to));
    return real(from, to);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    FAIL(UNLINK, in_scope(path));
    return real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    FAIL(MKDIR, in_scope(path));
    return real(path, mode);
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    FAIL(TRUNCATE, fd_in_scope(fd));
    return real(fd, length);
}

int flock(int fd, int operation) {
    REAL(int, flock, int, int);
    FAIL(LOCK, fd_in_scope(fd));
    return real(fd, operation);
}

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict to) {
    REAL(int, statx, int, const char *, int, unsigned, struct statx *);
    FAIL(STAT, in_scope(path));
    return real(folder, path, flags, mask, to);
}

int clock_gettime(clockid_t clock, struct timespec *to) {
    static long asked;
    int answer = syscall(SYS_clock_gettime, clock, to);
    const char *off = getenv("FAULT_CLOCK");
    if (answer == 0 && clock == CLOCK_REALTIME && off) {
        char *rest;
        long offset = strtol(off, &rest, 10), every = atol(rest + 1);
        long n = __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);
        to->tv_sec += every && n / every % 2 ? -offset : offset;
    }
    return answer;
}
