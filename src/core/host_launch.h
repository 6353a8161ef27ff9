/* How the host runs each kind of kernel. */
#ifndef AG_HOST_LAUNCH_H
#define AG_HOST_LAUNCH_H

#include "host_program.h"

/* Scratch memory of worker `w`, at least `bytes`, 64-byte aligned, kept between launches; NULL if
 * memory ran out. */
char *ag_host_scratch(int w, size_t bytes);
/* Makes sure that no worker's ag_host_scratch(bytes) can fail. */
AG_CHECKED ag_status ag_host_reserve(size_t bytes);
AG_CHECKED ag_status ag_host_select(const ag_host_program *hp, const ag_binding *slot);
void ag_host_gather(const ag_kernel *k, const ag_binding *slot);
void ag_host_scatter(const ag_host_program *hp, const ag_binding *slot);
AG_CHECKED ag_status ag_host_reduce(const ag_host_program *hp, const ag_binding *slot);
AG_CHECKED ag_status ag_host_scan(const ag_host_program *hp, const ag_binding *slot);
AG_CHECKED ag_status ag_host_batched(const ag_kernel *k, const ag_binding *slot);
AG_CHECKED ag_status ag_host_pooling(const ag_kernel *k, const ag_binding *slot);
AG_CHECKED ag_status ag_host_matmul(const ag_host_program *hp, const ag_binding *slot);
AG_CHECKED ag_status ag_host_conv(const ag_host_program *hp, const ag_binding *slot);

#endif
