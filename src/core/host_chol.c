/* Cholesky on the host: R' R = A over A's upper triangle, by blocks of rows. When a diagonal block
 * is factored, the rows to its right are solved for in stripes of columns, and then what is below
 * them is updated, again in stripes; the first of these tasks makes the next diagonal block ready.
 *
 * With pivoting, rows are computed one by one, as the pivots depend on them; the update of what is
 * below a block of rows is a product. */
#include "host_factor.h"
#include "host_gemm.h"
#include "host_trsm.h"
#include "host_update.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define BASE 8 /* rows that are factored one by one */

typedef struct {
  ag_update u;
  ag_dtype type;
  int64_t n, lda;
  char *a, *packed;
  int64_t minor;
  int64_t k, width;      /* the block whose update runs: rows [k, k + width) */
  int64_t next;          /* rows of the next block; 0: there is none */
  int64_t stripe, count; /* columns of a task; tasks */
  int64_t failed;
} chol;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static char *at(const chol *s, int64_t i, int64_t j) { return s->a + (i + j * s->lda) * s->u.size; }

/* -- a diagonal block -------------------------------------------------------------------------- */
static ag_status solve_rows(const chol *s, int64_t k, int64_t n1, int64_t j, int64_t cols) {
  const ag_trsm t = {.type = s->type,
                     .upper = 1,
                     .trans = 1,
                     .rows = n1,
                     .cols = cols,
                     .t = at(s, k, k),
                     .ldt = s->lda,
                     .b = at(s, k, j),
                     .ldb = s->lda};
  return ag_host_trsm(&t);
}

static ag_status subtract(const chol *s, int64_t k, int64_t n1, int64_t n2) {
  ag_gemm g = {.type = s->type, .m = n2, .n = n2, .k = n1, .into = AG_INTO_SUB};
  g.a = g.b = at(s, k, k + n1);
  g.rs_a = s->lda, g.cs_a = 1, g.rs_b = 1, g.cs_b = s->lda;
  g.c = at(s, k + n1, k + n1), g.ldc = s->lda;
  return ag_host_gemm(&g);
}

static ag_status block(chol *s, int64_t k, int64_t n) {
  if (n <= BASE) {
    void *a = at(s, k, k);
    const int minor =
        s->u.f64 ? s->u.isa->chol_f64((int)n, a, s->lda) : s->u.isa->chol_f32((int)n, a, s->lda);
    if (minor) s->minor = k + minor;
    return AG_OK;
  }
  const int64_t n1 = (n / 2 + BASE - 1) / BASE * BASE, n2 = n - n1;
  AG_TRY(block(s, k, n1));
  if (s->minor) return AG_OK;
  AG_TRY(solve_rows(s, k, n1, k + n1, n2));
  AG_TRY(subtract(s, k, n1, n2));
  return block(s, k + n1, n2);
}

/* -- the rows to its right --------------------------------------------------------------------- */
static void note(chol *s, ag_status status) {
  if (status != AG_OK) __atomic_store_n(&s->failed, (int64_t)status, __ATOMIC_RELAXED);
}

/* Stripes are multiples of mr wide: each packs its own panels. */
static void rows_task(void *ctx, int task, int worker) {
  chol *s = ctx;
  const int64_t right = s->k + s->width, first = task * s->stripe,
                last = min64(first + s->stripe, s->n - right);
  (void)worker;
  note(s, solve_rows(s, s->k, s->width, right + first, last - first));
  ag_update_pack(&s->u, s->packed, first, last, s->width, at(s, s->k, right), s->lda, 1);
}

/* Columns [j, j + cols) of what is right and below. */
static ag_status update(const chol *s, int64_t j, int64_t cols) {
  const int64_t right = s->k + s->width;
  if (ag_update_columns(&s->u, s->packed, j + cols, cols, s->width, at(s, s->k, right + j), 1,
                        s->lda, at(s, right, right + j), s->lda, j))
    return AG_OK;
  return ag_fail(AG_E_MEMORY, "out of memory");
}

/* The next block first, then the longest stripes. */
static void update_task(void *ctx, int task, int worker) {
  chol *s = ctx;
  const int64_t rest = s->n - s->k - s->width;
  (void)worker;
  if (task == 0) {
    ag_status status = update(s, 0, s->next);
    if (status == AG_OK) status = block(s, s->k + s->width, s->next);
    note(s, status);
    return;
  }
  const int64_t first = s->next + (s->count - task) * s->stripe;
  note(s, update(s, first, min64(s->stripe, rest - first)));
}

/* -- all --------------------------------------------------------------------------------------- */
static int64_t block_width(int64_t n) { return n <= 256 ? 32 : n <= 1024 ? 64 : 128; }

static int64_t stripe_width(const chol *s, int64_t columns, int64_t tasks) {
  const int64_t mr = s->u.mr, wide = (columns / tasks + mr - 1) / mr * mr;
  return wide < 2 * mr ? 2 * mr : wide > 8 * mr ? 8 * mr : wide;
}

static ag_status step(chol *s) {
  const int64_t rest = s->n - s->k - s->width, tasks = 4 * ag_threads();
  s->stripe = stripe_width(s, rest, tasks);
  ag_parallel((int)((rest + s->stripe - 1) / s->stripe), rows_task, s);
  s->stripe = stripe_width(s, rest - s->next, tasks);
  s->count = (rest - s->next + s->stripe - 1) / s->stripe;
  ag_parallel((int)s->count + 1, update_task, s);
  return s->failed == AG_OK ? AG_OK : ag_fail((ag_status)s->failed, "out of memory");
}

ag_status ag_host_chol(const ag_host_matrix *a, int64_t *minor) {
  chol s = {.u = ag_update_of(a->type), .type = a->type, .n = a->rows, .a = a->a, .lda = a->lda};
  const int64_t width = block_width(s.n);
  *minor = 0;
  if (s.n == 0) return AG_OK;
  s.packed = ag_threads_scratch(AG_SCRATCH_FACTOR, (size_t)ag_update_bytes(&s.u, s.n, width));
  if (!s.packed) return ag_fail(AG_E_MEMORY, "out of memory");
  AG_TRY(block(&s, 0, min64(width, s.n)));
  for (; !s.minor && s.k + width < s.n; s.k += width) {
    s.width = width;
    s.next = min64(width, s.n - s.k - width);
    AG_TRY(step(&s));
    AG_TRY(ag_update_may_go_on());
  }
  *minor = s.minor;
  return AG_OK;
}

/* -- with pivoting ----------------------------------------------------------------------------- */
#define PIVOT_BLOCK 64 /* rows that are computed one by one before the rest is updated */

#define REAL     double
#define FN(name) name##_f64
#define IS_F64   1
#include "host_chol_real.h"
#define REAL     float
#define FN(name) name##_f32
#define IS_F64   0
#include "host_chol_real.h"

/* Columns of what is right of and below rows [k, k + width), which are those of R. */
static void below_task(void *ctx, int task, int worker) {
  chol *s = ctx;
  const int64_t rest = s->n - s->k - s->width, first = task * s->stripe;
  (void)worker;
  note(s, update(s, first, min64(s->stripe, rest - first)));
}

static ag_status update_below(chol *s, int64_t k, int64_t width) {
  const int64_t right = k + width, rest = s->n - right;
  if (rest == 0) return AG_OK;
  s->k = k, s->width = width;
  s->stripe = stripe_width(s, rest, 4 * ag_threads());
  ag_update_pack(&s->u, s->packed, 0, rest, width, at(s, k, right), s->lda, 1);
  ag_parallel((int)((rest + s->stripe - 1) / s->stripe), below_task, s);
  return s->failed == AG_OK ? AG_OK : ag_fail((ag_status)s->failed, "out of memory");
}

ag_status ag_host_chol_pivoted(const ag_host_matrix *a, double tol, int32_t *pivot, int64_t *rank) {
  chol s = {.u = ag_update_of(a->type), .type = a->type, .n = a->rows, .a = a->a, .lda = a->lda};
  const int64_t n = s.n;
  double stop = 0;
  int done = 0;
  for (int64_t i = 0; i < n; i++) pivot[i] = (int32_t)i;
  *rank = 0;
  if (n == 0) return AG_OK;
  const int64_t room = ag_update_bytes(&s.u, n, PIVOT_BLOCK);
  s.packed = ag_threads_scratch(AG_SCRATCH_FACTOR, (size_t)(room + n * s.u.size));
  if (!s.packed) return ag_fail(AG_E_MEMORY, "out of memory");
  void *dots = s.packed + room;
  for (int64_t k = 0; k < n && !done; k += PIVOT_BLOCK) {
    const int64_t width = min64(PIVOT_BLOCK, n - k);
    const int64_t made = s.u.f64 ? pivot_rows_f64(&s, k, width, tol, &stop, dots, pivot)
                                 : pivot_rows_f32(&s, k, width, tol, &stop, dots, pivot);
    *rank = k + made;
    done = made < width;
    if (!done) AG_TRY(update_below(&s, k, width));
    AG_TRY(ag_update_may_go_on());
  }
  return AG_OK;
}
