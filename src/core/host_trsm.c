/* Triangular solves on the host: halves are joined by products, down to leaves. In a leaf, panels
 * of right-hand sides (as many as a tile of a product is high) are copied so that the elements of a
 * row are neighbours, and then solved AG_TRI rows at a time. */
#include "host_trsm.h"
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define LEAF 64
/* Multiply-adds that a task must have to be worth a thread. */
#define PARALLEL_WORK 1e5

/* L X = B, L the n x n triangle T(i, l) = t[i*rs_t + l*cs_t], lower or upper, and
 * B(i, j) = b[i*rs_b + j*cs_b] with `count` right-hand sides; rs_b or cs_b is 1. */
typedef struct {
  const ag_isa *isa;
  int f64, width, lower, unit, divide;
  int64_t size, n, count;
  const char *t, *d; /* d: reciprocals of T's diagonal, or (divide) the diagonal */
  int64_t rs_t, cs_t, each;
  char *b;
  int64_t rs_b, cs_b;
  int no_memory;
} tri;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* -- a panel ----------------------------------------------------------------------------------- */
static void pack(const tri *s, int64_t m, int64_t k, const char *x, int64_t rs, int64_t cs, char *y,
                 int64_t width) {
  if (s->f64) s->isa->pack_f64((int)m, k, (const double *)x, rs, cs, (double *)y, (int)width);
  else s->isa->pack_f32((int)m, k, (const float *)x, rs, cs, (float *)y, (int)width);
}

static const char *t_at(const tri *s, int64_t i, int64_t l) {
  return s->t + (i * s->rs_t + l * s->cs_t) * s->size;
}

/* Rows [i, i + n) of X, less the terms of rows [l, l + k), which are solved. */
static void subtract(const tri *s, int64_t m, char *x, int64_t i, int64_t n, int64_t l, int64_t k) {
  const int64_t w = s->width;
  char *c = x + i * w * s->size;
  const char *a = x + l * w * s->size;
  if (s->f64)
    s->isa->micro_f64((int)m, n, k, (const double *)a, w, (const double *)t_at(s, i, l), s->cs_t,
                      s->rs_t, (double *)c, w, AG_INTO_SUB);
  else
    s->isa->micro_f32((int)m, n, k, (const float *)a, w, (const float *)t_at(s, i, l), s->cs_t,
                      s->rs_t, (float *)c, w, AG_INTO_SUB);
}

/* Rows [i, i + n) of X with the triangle there; an upper one is solved from its last row on. */
static void solve_rows(const tri *s, int64_t m, char *x, int64_t i, int64_t n) {
  const int64_t first = s->lower ? i : i + n - 1, sign = s->lower ? 1 : -1;
  const char *t = t_at(s, first, first), *d = s->d + first * s->each * s->size;
  x += first * s->width * s->size;
  if (s->f64)
    s->isa->tri_f64((int)m, (int)n, (const double *)t, sign * s->rs_t, sign * s->cs_t,
                    (const double *)d, sign * s->each, s->divide, (double *)x, sign * s->width);
  else
    s->isa->tri_f32((int)m, (int)n, (const float *)t, sign * s->rs_t, sign * s->cs_t,
                    (const float *)d, sign * s->each, s->divide, (float *)x, sign * s->width);
}

static void solve_panel(const tri *s, int64_t m, char *x) {
  const int64_t n = s->n;
  if (s->lower)
    for (int64_t i = 0; i < n; i += AG_TRI) {
      const int64_t rows = min64(AG_TRI, n - i);
      if (i) subtract(s, m, x, i, rows, 0, i);
      solve_rows(s, m, x, i, rows);
    }
  else
    for (int64_t end = n; end > 0; end -= min64(AG_TRI, end)) {
      const int64_t rows = min64(AG_TRI, end), i = end - rows;
      if (end < n) subtract(s, m, x, i, rows, end, n - end);
      solve_rows(s, m, x, i, rows);
    }
}

static void panel_task(void *ctx, int task, int worker) {
  tri *s = ctx;
  const int64_t w = s->width, j = task * w, m = min64(w, s->count - j);
  const size_t bytes = (size_t)(s->n * w * s->size);
  char *x = ag_threads_scratch(AG_SCRATCH_RHS, bytes), *b = s->b + j * s->cs_b * s->size;
  (void)worker;
  if (!x) {
    __atomic_store_n(&s->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  if (m < w) memset(x, 0, bytes);
  pack(s, m, s->n, b, s->cs_b, s->rs_b, x, w);
  solve_panel(s, m, x);
  if (s->rs_b == 1) pack(s, s->n, m, x, w, 1, b, s->cs_b);
  else pack(s, m, s->n, x, 1, w, b, s->rs_b);
}

/* -- a leaf ------------------------------------------------------------------------------------ */
static double diagonal(const tri *s, int64_t i) {
  const char *at = t_at(s, i, i);
  return s->unit ? 1 : s->f64 ? *(const double *)at : *(const float *)at;
}

/* Reciprocals where all are finite, of normal numbers; else the diagonal itself. */
static void set_diagonal(tri *s, char *d) {
  const double least = s->f64 ? DBL_MIN : FLT_MIN, most = 1 / least;
  s->divide = 0;
  for (int64_t i = 0; i < s->n; i++) {
    const double v = fabs(diagonal(s, i));
    if (!(v >= least && v <= most)) s->divide = 1;
  }
  for (int64_t i = 0; i < s->n; i++) {
    const double v = s->divide ? diagonal(s, i) : 1 / diagonal(s, i);
    if (s->f64) ((double *)d)[i] = v;
    else ((float *)d)[i] = (float)v;
  }
  s->d = d, s->each = 1;
}

/* Many right-hand sides read the triangle from a copy. */
static void copy_triangle(tri *s, char *to) {
  if (s->rs_t == 1) pack(s, s->n, s->n, s->t, 1, s->cs_t, to, LEAF);
  else pack(s, s->n, s->n, s->t, s->rs_t, s->cs_t, to, LEAF);
  s->t = to, s->rs_t = 1, s->cs_t = LEAF;
}

static ag_status leaf(tri s) {
  char *room = ag_threads_scratch(AG_SCRATCH_TRIANGLE, (size_t)((LEAF + 1) * LEAF * s.size));
  const int64_t panels = (s.count + s.width - 1) / s.width;
  if (!room) return ag_fail(AG_E_MEMORY, "out of memory");
  set_diagonal(&s, room);
  if (panels > 4) copy_triangle(&s, room + LEAF * s.size);
  if ((double)s.n * (double)s.n * (double)s.count < PARALLEL_WORK)
    for (int64_t p = 0; p < panels; p++) panel_task(&s, (int)p, ag_threads_self());
  else ag_parallel((int)panels, panel_task, &s);
  return s.no_memory ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* -- recursion --------------------------------------------------------------------------------- */
/* B2 -= T21 B1 for the rows [i, i + n) and [l, l + k); where B's rows are contiguous, its transpose
 * is the column-major matrix. */
static ag_status join(const tri *s, int64_t i, int64_t n, int64_t l, int64_t k) {
  const char *b = s->b + l * s->rs_b * s->size, *t = t_at(s, i, l);
  ag_gemm g = {.type = s->f64 ? AG_F64 : AG_F32, .k = k, .into = AG_INTO_SUB};
  g.c = s->b + i * s->rs_b * s->size;
  if (s->rs_b == 1) {
    g.m = n, g.n = s->count, g.ldc = s->cs_b;
    g.a = t, g.rs_a = s->rs_t, g.cs_a = s->cs_t;
    g.b = b, g.rs_b = s->rs_b, g.cs_b = s->cs_b;
  } else {
    g.m = s->count, g.n = n, g.ldc = s->rs_b;
    g.a = b, g.rs_a = s->cs_b, g.cs_a = s->rs_b;
    g.b = t, g.rs_b = s->cs_t, g.cs_b = s->rs_t;
  }
  return ag_host_gemm(&g);
}

static tri part(const tri *s, int64_t i, int64_t n) {
  tri p = *s;
  p.t = t_at(s, i, i), p.n = n;
  p.b = s->b + i * s->rs_b * s->size;
  return p;
}

static ag_status solve(const tri *s) {
  if (s->n <= LEAF) return leaf(*s);
  const int64_t half = (s->n / 2 + LEAF - 1) / LEAF * LEAF, rest = s->n - half;
  const tri first = part(s, 0, half), second = part(s, half, rest);
  AG_TRY(solve(s->lower ? &first : &second));
  AG_TRY(s->lower ? join(s, half, rest, 0, half) : join(s, 0, half, half, rest));
  return solve(s->lower ? &second : &first);
}

ag_status ag_host_trsm(const ag_trsm *p) {
  const ag_isa *isa = ag_isa_get();
  const int f64 = p->type == AG_F64, flipped = p->trans != p->right; /* B op(T)^-1 is transposed */
  tri s = {.isa = isa, .f64 = f64, .unit = p->unit, .size = f64 ? 8 : 4};
  s.width = f64 ? isa->mr_f64 : isa->mr_f32;
  s.n = p->right ? p->cols : p->rows, s.count = p->right ? p->rows : p->cols;
  if (s.n == 0 || s.count == 0) return AG_OK;
  s.lower = flipped ? p->upper : !p->upper;
  s.t = p->t, s.rs_t = flipped ? p->ldt : 1, s.cs_t = flipped ? 1 : p->ldt;
  s.b = p->b, s.rs_b = p->right ? p->ldb : 1, s.cs_b = p->right ? 1 : p->ldb;
  return solve(&s);
}
