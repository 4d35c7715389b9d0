/* Preloaded into the process whose power is to fail: writes down, in order, everything that it does to files below
 * DWELL_TEST_POWER_ROOT, so that power.rs can tell what a disk would hold at any moment.
 *
 * A record: op u8 | length of path a u32 | of path b u32 | offset u64 | length of data u64 | a | b | data.
 * Ops: C create, D make folder, L symbolic link (b: where to), W write, T set length (offset), S sync, R rename a to b,
 * U unlink, X remove folder. From when a file `full.N` is made there until it is unlinked, the disk is full after N more
 * writes; without a log that is all this does. From when a file `sync.N` is made, all syncs but N more fail, likewise. Writes through a mapping are not seen: SQLite maps only its -shm, which no crash keeps. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *root;
static int out = -1;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("DWELL_TEST_POWER_LOG");
    root = getenv("DWELL_TEST_POWER_ROOT");
    if (root && path) out = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int watched(const char *path) { return root && path && strncmp(path, root, strlen(root)) == 0; }

/* How many more writes the disk has room for; below zero, any number. */
static long room = -1;

static int full(const char *path) {
    if (room < 0 || !watched(path)) return 0;
    if (room > 0) return room--, 0;
    errno = ENOSPC;
    return 1;
}

/* How many more syncs succeed; below zero, any number. */
static long syncs = -1;

static int failing(const char *path) {
    if (syncs < 0 || !watched(path)) return 0;
    if (syncs > 0) return syncs--, 0;
    errno = EIO;
    return 1;
}

static const char *limit(const char *path, const char *which) {
    const char *name = path ? strrchr(path, '/') : NULL;
    return name && strncmp(name, which, 6) == 0 ? name + 6 : NULL;
}

static void limits(const char *path, int lifted) {
    const char *number = limit(path, "/full.");
    if (number) room = lifted ? -1 : atol(number);
    number = limit(path, "/sync.");
    if (number) syncs = lifted ? -1 : atol(number);
}

static void all(const void *bytes, size_t left) {
    const char *at = bytes;
    while (left) {
        ssize_t n = syscall(SYS_write, out, at, left);
        if (n <= 0) abort();
        at += n, left -= (size_t)n;
    }
}

static void put(char op, const char *a, const char *b, uint64_t offset, const void *data, uint64_t length) {
    if (out < 0) return;
    int saved = errno;
    uint32_t an = (uint32_t)strlen(a), bn = b ? (uint32_t)strlen(b) : 0;
    char head[25];
    head[0] = op;
    memcpy(head + 1, &an, 4), memcpy(head + 5, &bn, 4), memcpy(head + 9, &offset, 8), memcpy(head + 17, &length, 8);
    pthread_mutex_lock(&one);
    all(head, sizeof head), all(a, an);
    if (bn) all(b, bn);
    if (length) all(data, length);
    pthread_mutex_unlock(&one);
    errno = saved;
}

/* The path of an open file as it is now; NULL where it is none of ours. */
static const char *of(int fd, char *path) {
    char link[40];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = !root ? -1 : syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    errno = saved;
    if (n <= 0) return NULL;
    path[n] = 0;
    return watched(path) ? path : NULL;
}

static const char *at(int dir, const char *name, char *path) {
    if (name[0] == '/' || dir == AT_FDCWD) return watched(name) ? name : NULL;
    if (!of(dir, path)) return NULL;
    size_t n = strlen(path);
    snprintf(path + n, PATH_MAX - n, "/%s", name);
    return path;
}

#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int there(int dir, const char *path) {
    struct stat st;
    int saved = errno;
    int found = syscall(SYS_newfstatat, dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    errno = saved;
    return found;
}

static void opened(int fd, int flags, int existed) {
    char path[PATH_MAX];
    if (fd < 0 || !(flags & (O_CREAT | O_TRUNC)) || !of(fd, path)) return;
    limits(path, 0);
    if (!existed) put('C', path, NULL, 0, NULL, 0);
    else if (flags & O_TRUNC) put('T', path, NULL, 0, NULL, 0);
}

#define OPEN(name)                                             \
    int name(const char *path, int flags, ...) {               \
        REAL(int, name, const char *, int, ...);               \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
        va_end(more);                                          \
        int existed = there(AT_FDCWD, path);                   \
        if (flags & O_CREAT && !existed && full(path)) return -1; \
        int fd = real(path, flags, mode);                      \
        opened(fd, flags, existed);                            \
        return fd;                                             \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                           \
    int name(int dir, const char *path, int flags, ...) {      \
        REAL(int, name, int, const char *, int, ...);          \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
        va_end(more);                                          \
        int existed = there(dir, path);                        \
        if (flags & O_CREAT && !existed && full(path)) return -1; \
        int fd = real(dir, path, flags, mode);                 \
        opened(fd, flags, existed);                            \
        return fd;                                             \
    }
OPENAT(openat)
OPENAT(openat64)

static off_t position(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && flags & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    const char *ours = of(fd, path);
    off_t offset = ours ? position(fd) : 0;
    if (ours && full(ours)) return -1;
    ssize_t n = real(fd, data, length);
    if (ours && n > 0) put('W', ours, NULL, (uint64_t)offset, data, (uint64_t)n);
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    /* As many short writes: who calls this goes on after one. */
    (void)count;
    return write(fd, parts[0].iov_base, parts[0].iov_len);
}

#define PWRITE(name, offset_t)                                 \
    ssize_t name(int fd, const void *data, size_t length, offset_t offset) { \
        REAL(ssize_t, name, int, const void *, size_t, offset_t); \
        char path[PATH_MAX];                                   \
        const char *ours = of(fd, path);                       \
        if (ours && full(ours)) return -1;                     \
        ssize_t n = real(fd, data, length, offset);            \
        if (ours && n > 0) put('W', ours, NULL, (uint64_t)offset, data, (uint64_t)n); \
        return n;                                              \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name)                                             \
    int name(int fd) {                                         \
        REAL(int, name, int);                                  \
        char path[PATH_MAX];                                   \
        const char *ours = of(fd, path);                       \
        if (ours && failing(ours)) return -1;                  \
        int result = real(fd);                                 \
        if (ours && result == 0) put('S', ours, NULL, 0, NULL, 0); \
        return result;                                         \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_t)                               \
    int name(int fd, offset_t length) {                        \
        REAL(int, name, int, offset_t);                        \
        char path[PATH_MAX];                                   \
        const char *ours = of(fd, path);                       \
        int result = real(fd, length);                         \
        if (ours && result == 0) put('T', ours, NULL, (uint64_t)length, NULL, 0); \
        return result;                                         \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    int result = real(from, to);
    if (result == 0 && watched(from)) put('R', from, to, 0, NULL, 0);
    return result;
}

int symlink(const char *target, const char *path) {
    REAL(int, symlink, const char *, const char *);
    if (full(path)) return -1;
    int result = real(target, path);
    if (result == 0 && watched(path)) put('L', path, target, 0, NULL, 0);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (full(path)) return -1;
    int result = real(path, mode);
    if (result == 0 && watched(path)) put('D', path, NULL, 0, NULL, 0);
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    int result = real(path);
    limits(path, 1);
    if (result == 0 && watched(path)) put('U', path, NULL, 0, NULL, 0);
    return result;
}

int rmdir(const char *path) {
    REAL(int, rmdir, const char *);
    int result = real(path);
    if (result == 0 && watched(path)) put('X', path, NULL, 0, NULL, 0);
    return result;
}

int unlinkat(int dir, const char *name, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    char path[PATH_MAX];
    const char *ours = at(dir, name, path);
    int result = real(dir, name, flags);
    if (ours && result == 0) put(flags & AT_REMOVEDIR ? 'X' : 'U', ours, NULL, 0, NULL, 0);
    return result;
}

/* What would go past all this: the callers fall back to writing. */
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile(int a, int b, off_t *c, size_t d) {
    (void)a, (void)b, (void)c, (void)d;
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile64(int a, int b, off64_t *c, size_t d) {
    (void)a, (void)b, (void)c, (void)d;
    errno = ENOSYS;
    return -1;
}
