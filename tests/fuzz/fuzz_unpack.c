/* Bytes that are packed, or say so -> the thread that unpacks them. It ends, and tells of damage within what it was given. */
#include "fuzz.h"

#include "../../tool/support/unpack.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { ENOUGH = 16 << 20 }; /* a few bytes may become very many */
    static unsigned char buffer[1 << 16];
    struct unpack unpack;
    struct perftrace_error_info error;
    signal(SIGPIPE, SIG_IGN);
    enum perftrace_packing packing =
        size > 0 && data[0] == 0x1f ? PERFTRACE_PACKED_GZIP : PERFTRACE_PACKED_ZSTD;
    int in = open(fuzz_file(data, size), O_RDONLY | O_CLOEXEC);
    size_t first = size < 4 ? size : 4;
    FUZZ_CHECK(in >= 0 && lseek(in, (off_t)first, SEEK_SET) == (off_t)first);
    int fd = unpack_open(&unpack, packing, in, data, first, UINT64_MAX, &error);
    if (fd < 0)
        return 0; /* built without it */
    size_t made = 0;
    for (ssize_t got; made < ENOUGH && (got = read(fd, buffer, sizeof buffer)) > 0; made += (size_t)got) {
    }
    close(fd);
    unpack_wait(&unpack);
    FUZZ_CHECK(atomic_load(&unpack.packed) <= size);
    for (uint64_t i = 0; i < unpack.damage_count && i < UNPACK_DAMAGES_MAX; i++)
        FUZZ_CHECK(unpack.damages[i].byte_offset <= size && unpack.damages[i].message[0] != '\0');
    return 0;
}
