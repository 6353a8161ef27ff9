/* The matrix becomes tridiagonal (symm_tridiag.c), whose eigenproblem is solved on the CPU, in
 * double precision (tridiag.c); the vectors are multiplied by the reflections, many at a time. */
#include "eigen_symm.h"
#include "expr.h"
#include "symm_tridiag.h"
#include "threads.h"
#include "tridiag.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64  /* reflections at a time */
#define TILE  64  /* of what is worked on in tiles */
#define SMALL 128 /* matrices up to this size are not worth another device */

typedef struct {
  int64_t n;
  ag_dtype type;
  int only_values, exponent; /* of 2: the scale of the matrix */
  ag_device *home, *dev;     /* where x is, and where the work is done */
  const void *x;             /* on the CPU */
  void *own_x;
  void *work_here; /* the matrix to be reduced, on the CPU; own_work unless it is that of `work` */
  void *own_work;
  ag_block work, z, s, t, vt, y; /* matrix and vectors; V'V, the triangle T, V T, V'Z */
  ag_buffer *own[7];
  double *d, *e, *tau, *q;
  double largest[256]; /* by chunk of columns */
  int chunks;
} eigen;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- the matrix, scaled, in the form that is reduced ---- */

static double element(const eigen *g, int64_t i, int64_t j) {
  return g->type == AG_F64 ? ((const double *)g->x)[i + j * g->n]
                           : (double)((const float *)g->x)[i + j * g->n];
}

/* The largest element of some columns of the lower triangle; infinite if one is not finite. */
static void largest_task(void *ctx, int task, int worker) {
  eigen *g = ctx;
  double most = 0;
  (void)worker;
  for (int64_t j = task; j < g->n; j += g->chunks)
    for (int64_t i = j; i < g->n; i++) {
      double x = fabs(element(g, i, j));
      most = x <= most ? most : x < INFINITY ? x : INFINITY;
    }
  g->largest[task] = most;
}

/* Squares and products of what matters must neither overflow nor vanish: far from it, the matrix is
 * multiplied by a power of 2. */
static ag_status choose_scale(eigen *g) {
  double most = 0;
  int exponent, far = g->type == AG_F64 ? 300 : 30;
  g->chunks = (int)min64(g->n, 256);
  ag_parallel(g->chunks, largest_task, g);
  for (int i = 0; i < g->chunks; i++) most = fmax(most, g->largest[i]);
  if (isinf(most)) return ag_fail(AG_E_ARGUMENT, "infinite or missing values in 'x'");
  frexp(most, &exponent);
  g->exponent = exponent > far || exponent < -far ? exponent : 0;
  return AG_OK;
}

/* A column of tiles: of the lower triangle, with zeros above on the host, mirrored elsewhere. */
#define COPY(real)                                                                                 \
  const real *x = g->x;                                                                            \
  real *y = g->work_here;                                                                          \
  double scale = ldexp(1, -g->exponent / 2), rest = ldexp(1, -g->exponent + g->exponent / 2);      \
  for (int64_t i0 = j0; i0 < n; i0 += TILE)                                                        \
    for (int64_t j = j0; j < j1; j++)                                                              \
      for (int64_t i = i0 > j ? i0 : j; i < min64(i0 + TILE, n); i++) {                            \
        real value = (real)(x[i + j * n] * scale * rest);                                          \
        if (g->own_work) y[j + i * n] = value;                                                     \
        else if (i > j) y[j + i * n] = 0;                                                          \
        y[i + j * n] = value;                                                                      \
      }

static void copy_task(void *ctx, int task, int worker) {
  eigen *g = ctx;
  int64_t n = g->n, j0 = (int64_t)task * TILE, j1 = min64(j0 + TILE, n);
  (void)worker;
  if (g->type == AG_F64) {
    COPY(double)
  } else {
    COPY(float)
  }
}

static size_t bytes_of(const eigen *g) { return (size_t)(g->n * g->n) * ag_dtype_size(g->type); }

static ag_status fetch(eigen *g, ag_array *x) {
  ag_block b = ag_block_of(x);
  g->x = ag_block_host(&b);
  if (g->x) return AG_OK;
  g->x = g->own_x = malloc(bytes_of(g));
  if (!g->x) return ag_fail(AG_E_MEMORY, "eigen: no memory for the matrix");
  return ag_block_read(&b, g->own_x, g->n);
}

static ag_status prepare(eigen *g, ag_array *x) {
  AG_TRY(fetch(g, x));
  AG_TRY(choose_scale(g));
  AG_TRY(ag_block_new(&g->work, &g->own[0], g->dev, g->type, g->n, g->n));
  g->work_here = ag_block_host(&g->work);
  if (!g->work_here) g->work_here = g->own_work = malloc(bytes_of(g));
  if (!g->work_here) return ag_fail(AG_E_MEMORY, "eigen: no memory for the matrix");
  ag_parallel((int)((g->n + TILE - 1) / TILE), copy_task, g);
  return g->own_work ? ag_block_write(&g->work, g->own_work, g->n) : AG_OK;
}

/* ---- vectors of the tridiagonal matrix ---- */

static void narrow_task(void *ctx, int task, int worker) {
  eigen *g = ctx;
  const double *from = g->q + (int64_t)task * g->n;
  float *to = (float *)g->work_here + (int64_t)task * g->n;
  (void)worker;
  for (int64_t i = 0; i < g->n; i++) to[i] = (float)from[i];
}

/* They are computed where they are wanted, or brought there. */
static ag_status tridiag_vectors(eigen *g) {
  AG_TRY(ag_block_new(&g->z, &g->own[1], g->dev, g->type, g->n, g->n));
  void *there = ag_block_host(&g->z), *to = there;
  int direct = there && g->type == AG_F64;
  if (!direct) {
    ag_device *host;
    AG_TRY(ag_device_find(&host, "host"));
    AG_TRY(ag_buffer_new(&g->own[6], host, (size_t)(g->n * g->n) * sizeof(double)));
    g->q = g->own[6]->mem;
  }
  AG_TRY(ag_tridiag_vectors(g->n, g->d, g->e, direct ? there : g->q, g->n));
  if (direct) return AG_OK;
  if (!there) to = g->type == AG_F32 ? g->own_work : (void *)g->q;
  if (g->type == AG_F32) {
    g->work_here = to;
    ag_parallel((int)g->n, narrow_task, g);
  }
  return there ? AG_OK : ag_block_write(&g->z, to, g->n);
}

/* ---- back to the matrix ---- */

/* T with H_0 H_1 ... = 1 - V T V', from S = V'V (Schreiber and Van Loan, SIAM J. Sci. Stat. Comput.
 * 10, 1989): upper triangular, in the place of S. */
static void triangle(int64_t k, double *s, const double *tau) {
  for (int64_t j = 0; j < k; j++) {
    for (int64_t i = 0; i < j; i++) { /* rows above i are not needed any more for this column */
      double sum = 0;
      for (int64_t l = i; l < j; l++) sum += s[i + l * k] * s[l + j * k];
      s[i + j * k] = -tau[j] * sum;
    }
    s[j + j * k] = tau[j];
    for (int64_t i = j + 1; i < k; i++) s[i + j * k] = 0;
  }
}

static ag_status find_triangle(eigen *g, const ag_block *v, const double *tau) {
  double wide[BLOCK * BLOCK];
  float narrow[BLOCK * BLOCK];
  int64_t k = v->cols;
  void *here = g->type == AG_F64 ? (void *)wide : narrow;
  AG_TRY(ag_block_gemm(AG_INTO_SET, &g->s, v, 1, v, 0));
  AG_TRY(ag_block_read(&g->s, here, k));
  if (g->type == AG_F32)
    for (int64_t i = 0; i < k * k; i++) wide[i] = narrow[i];
  /* only the upper triangle of S is read, and each element before it is written */
  triangle(k, wide, tau);
  if (g->type == AG_F32)
    for (int64_t i = 0; i < k * k; i++) narrow[i] = (float)wide[i];
  return ag_block_write(&g->t, here, k);
}

/* Reflections j, ..., j + k - 1, which change rows from j + 1 on: Z -= (V T) (V'Z). */
static ag_status reflect(eigen *g, int64_t j, int64_t k) {
  int64_t m = g->n - j - 1;
  if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
  ag_block v = ag_block_part(&g->work, j + 1, m, j, k), z = ag_block_part(&g->z, j + 1, m, 0, g->n),
           vt = ag_block_part(&g->vt, 0, m, 0, k);
  g->s.rows = g->s.cols = g->s.ld = g->t.rows = g->t.cols = g->t.ld = k;
  g->y.rows = g->y.ld = k;
  AG_TRY(find_triangle(g, &v, g->tau + j));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &vt, &v, 0, &g->t, 0));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &g->y, &v, 1, &z, 0));
  return ag_block_gemm(AG_INTO_SUB, &z, &vt, 0, &g->y, 0);
}

static ag_status back(eigen *g) {
  AG_TRY(ag_block_new(&g->s, &g->own[2], g->dev, g->type, BLOCK, BLOCK));
  AG_TRY(ag_block_new(&g->t, &g->own[3], g->dev, g->type, BLOCK, BLOCK));
  AG_TRY(ag_block_new(&g->vt, &g->own[4], g->dev, g->type, g->n, BLOCK));
  AG_TRY(ag_block_new(&g->y, &g->own[5], g->dev, g->type, BLOCK, g->n));
  for (int64_t j = (g->n - 2) / BLOCK * BLOCK; j >= 0 && g->n > 1; j -= BLOCK)
    AG_TRY(reflect(g, j, min64(BLOCK, g->n - 1 - j)));
  return AG_OK;
}

/* ---- order and signs ---- */

/* *x becomes op(*x, b), of the same shape. */
static ag_status apply(ag_op op, ag_array **x, ag_array *b) {
  ag_array *old = *x;
  ag_status status = b ? ag_expr_binary(x, op, old, b) : ag_expr_unary(x, op, old);
  if (status != AG_OK) *x = old;
  else ag_array_release(old);
  return status;
}

static ag_status apply_number(ag_op op, ag_array **x, double number) {
  ag_array *scalar;
  AG_TRY(ag_expr_scalar(&scalar, number, (*x)->type));
  ag_status status = apply(op, x, scalar);
  ag_array_release(scalar);
  return status;
}

/* One number per column, repeated along it. */
static ag_status spread(ag_array **out, ag_array *x, ag_reduction r) {
  ag_array *row;
  AG_TRY(ag_expr_reduce(&row, x, r, 0, 1, 1));
  ag_status status = ag_expr_broadcast(out, row, x->shape);
  ag_array_release(row);
  return status;
}

typedef struct {
  ag_array *size, *most, *key, *rank, *low, *high, *turned;
} signs;

/* key: 0 where the component is small, else the number of rows from there to the end with the sign
 * of the component. The largest in absolute value belongs to the first component that is not
 * small. */
static ag_status find_key(signs *s, ag_array *v) {
  int64_t n = v->shape.dim[0];
  AG_TRY(ag_expr_unary(&s->size, AG_OP_abs, v));
  AG_TRY(spread(&s->most, s->size, AG_MAX));
  AG_TRY(apply_number(AG_OP_mul, &s->most, 0.999));
  AG_TRY(apply(AG_OP_ge, &s->size, s->most));
  AG_TRY(ag_expr_iota(&s->rank, v->dev, v->type, n));
  AG_TRY(apply_number(AG_OP_sub, &s->rank, (double)n));
  AG_TRY(ag_expr_unary(&s->key, AG_OP_sign, v));
  AG_TRY(apply(AG_OP_mul, &s->key, s->rank)); /* negative: n - i changed its sign */
  return apply(AG_OP_mul, &s->key, s->size);
}

static ag_status turn(signs *s, ag_array **out, ag_array *v) {
  int64_t first[2] = {0, v->shape.dim[1] - 1}, step[2] = {1, -1};
  AG_TRY(find_key(s, v));
  AG_TRY(spread(&s->low, s->key, AG_MIN));
  AG_TRY(spread(&s->high, s->key, AG_MAX));
  AG_TRY(apply(AG_OP_add, &s->low, s->high));
  AG_TRY(apply(AG_OP_sign, &s->low, NULL));
  AG_TRY(apply(AG_OP_neg, &s->low, NULL));
  AG_TRY(apply(AG_OP_mul, &s->low, v));
  AG_TRY(ag_expr_slice(out, s->low, first, step, v->shape.dim));
  return ag_array_force(1, out);
}

ag_status ag_eigen_signs(ag_array **out, ag_array *v) {
  signs s = {0};
  *out = NULL;
  ag_status status = turn(&s, out, v);
  ag_array_release(s.size), ag_array_release(s.most), ag_array_release(s.key);
  ag_array_release(s.rank), ag_array_release(s.low), ag_array_release(s.high);
  if (status != AG_OK) ag_array_release(*out), *out = NULL;
  return status;
}

/* ---- all of it ---- */

/* The vectors as an array where x is. */
static ag_status deliver(eigen *g, ag_array **vectors) {
  ag_buffer *home = ag_buffer_retain(g->own[1]);
  ag_array *v;
  ag_status status = AG_OK;
  if (g->home != g->dev) {
    ag_buffer_release(home);
    AG_TRY(ag_buffer_new(&home, g->home, bytes_of(g)));
    status = ag_buffer_write(home, 0, ag_block_host(&g->z), bytes_of(g));
  }
  if (status == AG_OK)
    status = ag_array_from_buffer(&v, home, 0, g->type, ag_shape_of(2, g->n, g->n));
  ag_buffer_release(home);
  AG_TRY(status);
  status = ag_eigen_signs(vectors, v);
  ag_array_release(v);
  return status;
}

static ag_status solve(eigen *g, ag_array *x, double *values, ag_array **vectors) {
  AG_TRY(ag_array_force(1, &x));
  AG_TRY(prepare(g, x));
  g->d = calloc((size_t)(3 * g->n), sizeof(double));
  if (!g->d) return ag_fail(AG_E_MEMORY, "out of memory");
  g->e = g->d + g->n, g->tau = g->e + g->n;
  AG_TRY(ag_symm_tridiag(&g->work, g->d, g->e, g->tau));
  if (vectors) {
    AG_TRY(tridiag_vectors(g));
    AG_TRY(back(g));
    AG_TRY(deliver(g, vectors));
  } else {
    AG_TRY(ag_tridiag_values(g->n, g->d, g->e));
  }
  for (int64_t i = 0; i < g->n; i++) values[i] = ldexp(g->d[g->n - 1 - i], g->exponent);
  return AG_OK;
}

ag_status ag_eigen_symmetric(ag_array *x, double *values, ag_array **vectors) {
  eigen g = {.n = x->shape.dim[0], .type = x->type, .home = x->dev, .dev = x->dev};
  if (vectors) *vectors = NULL;
  if (g.n == 0) return ag_fail(AG_E_ARGUMENT, "0 x 0 matrix");
  if (g.n <= SMALL) AG_TRY(ag_device_find(&g.dev, "host"));
  ag_status status = solve(&g, x, values, vectors);
  for (int i = 0; i < 7; i++) ag_buffer_release(g.own[i]);
  free(g.own_x), free(g.own_work), free(g.d);
  return status;
}
