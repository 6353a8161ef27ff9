/* The host's BLOCK kernels. */
#ifndef AG_HOST_BLOCK_H
#define AG_HOST_BLOCK_H

#include "kernel.h"

AG_CHECKED ag_status ag_host_block(const ag_kernel *k, const ag_binding *slot);

#endif
