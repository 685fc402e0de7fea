/*
 * relay/signer/process.h - the process that signs; see signer.h.
 *
 * Layer: relay, internal. It holds the sealing key, the registers' keys and the file of what was
 * signed, and one socket: to the relay that started it. When that ends, it ends.
 */
#ifndef DT_RELAY_SIGNER_PROCESS_H
#define DT_RELAY_SIGNER_PROCESS_H

#include "relay/signer/signer.h"

/* Be that process, over ${fd}: says once that it is ready or why not, answers until the other end
 * is closed, and does not return. */
_Noreturn void signer_process(const struct relay_signer_config *config, int fd);

#endif
