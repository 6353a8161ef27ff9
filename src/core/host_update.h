/* C -= A B on the host where many products share a packed A: the rank-k updates within LU and
 * Cholesky, whose tasks are columns of C. */
#ifndef AG_HOST_UPDATE_H
#define AG_HOST_UPDATE_H

#include "host_isa.h"
#include "kernel.h"

typedef struct {
  const ag_isa *isa;
  int f64, mr, nr;
  int64_t size; /* bytes of an element */
} ag_update;

ag_update ag_update_of(ag_dtype type);
/* Bytes of A packed: `rows` rows, k terms. */
int64_t ag_update_bytes(const ag_update *u, int64_t rows, int64_t k);
/* Packs rows [first, last) of A(i, l) = a[i * rs + l * cs], `first` a multiple of mr, as part of
 * `to`. */
void ag_update_pack(const ag_update *u, char *to, int64_t first, int64_t last, int64_t k,
                    const char *a, int64_t rs, int64_t cs);
/* C[0 .. rows) x [0 .. cols) -= A B with B(l, j) = b[l * rs_b + j * cs_b]; with `upper` (not
 * negative) only what lies on or above C's diagonal number `upper` need be right: i <= j + upper.
 * Returns 0 if memory ran out. */
int ag_update_columns(const ag_update *u, const char *packed, int64_t rows, int64_t cols, int64_t k,
                      const char *b, int64_t rs_b, int64_t cs_b, char *c, int64_t ldc,
                      int64_t upper);
/* AG_E_INTERRUPT when the user asked to stop; only R's thread asks. */
AG_CHECKED ag_status ag_update_may_go_on(void);

#endif
