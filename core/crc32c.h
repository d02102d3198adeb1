/* CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4), the checksum of blocks. */
#ifndef PERFTRACE_CORE_CRC32C_H
#define PERFTRACE_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin with) over `bytes`. Uses the processor's instruction where it has one.
 * crc32c("123456789") is 0xe3069283. */
uint32_t perftrace_crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same without the instruction: what other processors run, and the tests compare with. */
uint32_t perftrace_crc32c_portable(uint32_t crc, const void *data, size_t bytes);

#endif
