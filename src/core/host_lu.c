/* LU on the host. Panels of columns are factored one after the other, each by halves (Toledo,
 * SIAM J. Matrix Anal. Appl. 18, 1997), by one thread; what lies to the right is updated in stripes
 * of columns, each a task. The first task updates the next panel's columns and factors it, so that
 * panels are ready when their turn comes. */
#include "host_factor.h"
#include "host_gemm.h"
#include "host_trsm.h"
#include "host_update.h"
#include "threads.h"
#include <string.h>

#define BASE 8 /* columns that are factored one by one */

typedef struct {
  ag_update u;
  ag_dtype type;
  int64_t m, n, lda;
  char *a;
  int32_t *pivot;
  int64_t zero;
  int64_t k, width; /* the panel whose update runs: columns [k, k + width) */
  int64_t next;     /* columns of the next panel; 0: there is none */
  int64_t stripe;   /* columns of a task */
  char *packed[2];  /* multipliers of this panel, and of the next one */
  int64_t failed;   /* AG_OK, or what went wrong in a task */
} lu;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static char *at(const lu *s, int64_t i, int64_t j) { return s->a + (i + j * s->lda) * s->u.size; }

/* -- rows -------------------------------------------------------------------------------------- */
#define SWAP(real)                                                                                 \
  for (int64_t j = first; j < last; j++) {                                                         \
    real *x = (real *)(void *)at(s, 0, j);                                                         \
    for (int64_t i = from; i < to; i++) {                                                          \
      const real t = x[i];                                                                         \
      x[i] = x[s->pivot[i]];                                                                       \
      x[s->pivot[i]] = t;                                                                          \
    }                                                                                              \
  }

/* The exchanges [from, to) in columns [first, last). */
static void swap_rows(const lu *s, int64_t from, int64_t to, int64_t first, int64_t last) {
  if (s->u.f64) {
    SWAP(double)
  } else {
    SWAP(float)
  }
}

/* -- a panel ----------------------------------------------------------------------------------- */
static ag_status solve_top(const lu *s, int64_t k, int64_t n1, int64_t j, int64_t cols) {
  const ag_trsm t = {.type = s->type,
                     .unit = 1,
                     .rows = n1,
                     .cols = cols,
                     .t = at(s, k, k),
                     .ldt = s->lda,
                     .b = at(s, k, j),
                     .ldb = s->lda};
  return ag_host_trsm(&t);
}

static ag_status subtract(const lu *s, int64_t k, int64_t n1, int64_t n2) {
  ag_gemm g = {.type = s->type, .m = s->m - k - n1, .n = n2, .k = n1, .into = AG_INTO_SUB};
  g.a = at(s, k + n1, k), g.rs_a = 1, g.cs_a = s->lda;
  g.b = at(s, k, k + n1), g.rs_b = 1, g.cs_b = s->lda;
  g.c = at(s, k + n1, k + n1), g.ldc = s->lda;
  return ag_host_gemm(&g);
}

static void base(lu *s, int64_t k, int64_t n) {
  const int64_t rows = s->m - k;
  const int zero =
      s->u.f64 ? s->u.isa->lu_f64(rows, (int)n, (double *)(void *)at(s, k, k), s->lda, s->pivot + k)
               : s->u.isa->lu_f32(rows, (int)n, (float *)(void *)at(s, k, k), s->lda, s->pivot + k);
  for (int64_t i = k; i < k + min64(n, rows); i++) s->pivot[i] += (int32_t)k;
  if (zero && !s->zero) s->zero = k + zero;
}

/* Columns [k, k + n), n <= m - k, rows from k on. */
static ag_status panel(lu *s, int64_t k, int64_t n) {
  if (n <= BASE) {
    base(s, k, n);
    return AG_OK;
  }
  const int64_t n1 = (n / 2 + BASE - 1) / BASE * BASE, n2 = n - n1;
  AG_TRY(panel(s, k, n1));
  swap_rows(s, k, k + n1, k + n1, k + n);
  AG_TRY(solve_top(s, k, n1, k + n1, n2));
  AG_TRY(subtract(s, k, n1, n2));
  AG_TRY(panel(s, k + n1, n2));
  swap_rows(s, k + n1, k + n, k, k + n1);
  return AG_OK;
}

/* -- the update -------------------------------------------------------------------------------- */
static ag_status update(lu *s, int64_t j, int64_t cols) {
  const int64_t below = s->k + s->width;
  swap_rows(s, s->k, below, j, j + cols);
  AG_TRY(solve_top(s, s->k, s->width, j, cols));
  if (!ag_update_columns(&s->u, s->packed[0], s->m - below, cols, s->width, at(s, s->k, j), 1,
                         s->lda, at(s, below, j), s->lda, -1))
    return ag_fail(AG_E_MEMORY, "out of memory");
  return AG_OK;
}

static void pack_multipliers(const lu *s, int64_t k, int64_t n, char *to) {
  ag_update_pack(&s->u, to, 0, s->m - k - n, n, at(s, k + n, k), 1, s->lda);
}

static ag_status next_panel(lu *s) {
  const int64_t k = s->k + s->width;
  AG_TRY(update(s, k, s->next));
  AG_TRY(panel(s, k, s->next));
  pack_multipliers(s, k, s->next, s->packed[1]);
  return AG_OK;
}

static void stripe_task(void *ctx, int task, int worker) {
  lu *s = ctx;
  const int64_t first = s->k + s->width + s->next, j = first + (task - (s->next > 0)) * s->stripe;
  (void)worker;
  const ag_status status =
      s->next && task == 0 ? next_panel(s) : update(s, j, min64(s->stripe, s->n - j));
  if (status != AG_OK) __atomic_store_n(&s->failed, (int64_t)status, __ATOMIC_RELAXED);
}

/* Later exchanges reach the columns of earlier panels, a stripe of them at a time. */
static void left_task(void *ctx, int task, int worker) {
  lu *s = ctx;
  const int64_t first = task * s->width, last = min64(first + s->width, min64(s->m, s->n));
  (void)worker;
  swap_rows(s, last, min64(s->m, s->n), first, last);
}

/* -- all --------------------------------------------------------------------------------------- */
static int64_t panel_width(int64_t n) { return n <= 256 ? 32 : n <= 1536 ? 64 : 128; }

/* Tasks are at least a few tiles wide, and several for each thread. */
static int64_t stripe_width(const lu *s) {
  const int64_t rest = s->n - s->k - s->width - s->next, nr = s->u.nr;
  const int64_t wide = rest / (4 * ag_threads()) / nr * nr;
  return wide < 4 * nr ? 4 * nr : wide > 16 * nr ? 16 * nr : wide;
}

static ag_status factor(lu *s) {
  const int64_t most = min64(s->m, s->n), width = panel_width(most);
  AG_TRY(panel(s, 0, min64(width, most)));
  pack_multipliers(s, 0, min64(width, most), s->packed[0]);
  for (s->k = 0; s->k < most; s->k += width) {
    s->width = min64(width, most - s->k);
    s->next = min64(width, most - s->k - s->width);
    const int64_t rest = s->n - s->k - s->width - s->next;
    s->stripe = stripe_width(s);
    ag_parallel((int)((rest + s->stripe - 1) / s->stripe) + (s->next > 0), stripe_task, s);
    if (s->failed != AG_OK) return ag_fail((ag_status)s->failed, "out of memory");
    AG_TRY(ag_update_may_go_on());
    char *packed = s->packed[0];
    s->packed[0] = s->packed[1], s->packed[1] = packed;
  }
  s->width = width;
  ag_parallel((int)((most + width - 1) / width), left_task, s);
  return AG_OK;
}

ag_status ag_host_lu(const ag_host_matrix *a, int32_t *pivot, int64_t *zero) {
  lu s = {.u = ag_update_of(a->type), .type = a->type, .m = a->rows, .n = a->cols};
  s.a = a->a, s.lda = a->lda, s.pivot = pivot;
  *zero = 0;
  if (s.m == 0 || s.n == 0) return AG_OK;
  const int64_t bytes = ag_update_bytes(&s.u, s.m, panel_width(min64(s.m, s.n)));
  s.packed[0] = ag_threads_scratch(AG_SCRATCH_FACTOR, (size_t)(2 * bytes));
  if (!s.packed[0]) return ag_fail(AG_E_MEMORY, "out of memory");
  s.packed[1] = s.packed[0] + bytes;
  AG_TRY(factor(&s));
  *zero = s.zero;
  return AG_OK;
}
