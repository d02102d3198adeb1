/* CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4), the checksum of blocks. */
#ifndef PERFTRACE_CORE_CRC32C_H
#define PERFTRACE_CORE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin with) over `bytes`. Uses the processor's instruction where it has one.
 * crc32c("123456789") is 0xe3069283. */
uint32_t perftrace_crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same without the instruction: what other processors run, and the tests compare with. */
uint32_t perftrace_crc32c_portable(uint32_t crc, const void *data, size_t bytes);

/* Puts right the one flipped bit that explains why the bytes do not have the checksum, be it in them or in the
 * checksum. False: there is none, and nothing is changed. For some ten bytes: it tries every bit. */
bool perftrace_crc32c_repair(void *data, size_t bytes, uint32_t *checksum);

#endif
