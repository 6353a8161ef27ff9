/* The host's SORT kernels. */
#ifndef AG_HOST_SORT_H
#define AG_HOST_SORT_H

#include "kernel.h"

AG_CHECKED ag_status ag_host_sort(const ag_kernel *k, const ag_binding *slot);
/* RANK, SEARCH, TABULATE */
AG_CHECKED ag_status ag_host_rank(const ag_kernel *k, const ag_binding *slot);

#endif
