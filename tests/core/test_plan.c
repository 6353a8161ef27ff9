/* Plans: what becomes one kernel, in which order kernels run, inputs that change from run to run.
 */
#include "arena.h"
#include "devices_kit.h"
#include <math.h>
#include <stdlib.h>

static ag_device *dev;
static ag_dtype type;

enum { ROWS = 37, COLS = 53, KEY = 4, COUNT = ROWS * COLS };

/* -- keys of random streams ------------------------------------------------------------------ */
/* Targets of one graph: numbers in a map, in a reduction, and the gradient of a loss that uses them
 * twice. `w` are weights, `u` and `z` the numbers. */
enum { MAP, SUMS, GRADIENT, TARGETS };

static void of_random(ag_array *w, ag_array *u, ag_array *z, ag_array **target) {
  ag_array *half, *mask, *dropped, *noisy, *squares, *sum;
  CHECK_OK(ag_expr_scalar(&half, 0.5, type));
  CHECK_OK(ag_expr_binary(&mask, AG_OP_gt, u, half));
  CHECK_OK(ag_expr_binary(&target[MAP], AG_OP_mul, z, half));
  CHECK_OK(ag_expr_reduce(&target[SUMS], target[MAP], AG_SUM, 0, 1, 0));
  CHECK_OK(ag_expr_binary(&dropped, AG_OP_mul, w, mask));
  CHECK_OK(ag_expr_binary(&noisy, AG_OP_add, dropped, z));
  CHECK_OK(ag_expr_unary(&squares, AG_OP_square, noisy));
  CHECK_OK(ag_expr_reduce(&sum, squares, AG_SUM, 0, 2, 0));
  CHECK_OK(ag_grad(sum, 1, &w, &target[GRADIENT]));
  ag_array *all[] = {half, mask, dropped, noisy, squares, sum};
  for (int i = 0; i < 6; i++) ag_array_release(all[i]);
}

static void check_equal(const char *what, ag_array *have, ag_array *want) {
  static double a[COUNT], b[COUNT];
  int64_t n = ag_array_count(want), i = 0;
  CHECK(ag_array_count(have) == n, "%s: %d elements", what, (int)ag_array_count(have));
  CHECK_OK(ag_array_read(have, a, AG_F64));
  CHECK_OK(ag_array_read(want, b, AG_F64));
  while (i < n && fabs(a[i] - b[i]) <= 1e-5 * (1 + fabs(b[i]))) i++;
  CHECK(i == n, "%s: element %d is %g, not %g", what, (int)i, a[i], b[i]);
}

/* A run with those keys gives what streams of those keys give. */
static void check_keys(ag_plan *plan, ag_array *w, uint64_t uniform, uint64_t normal) {
  static const char *const what[TARGETS] = {"map", "sums", "gradient"};
  ag_array *u, *z, *want[TARGETS], *have;
  CHECK_OK(ag_expr_random(&u, dev, type, w->shape, AG_UNIFORM, uniform));
  CHECK_OK(ag_expr_random(&z, dev, type, w->shape, AG_NORMAL, normal));
  of_random(w, u, z, want);
  ag_plan_set_key(plan, KEY, uniform);
  ag_plan_set_key(plan, KEY + 1, normal);
  CHECK_OK(ag_plan_run(plan));
  for (int i = 0; i < TARGETS; i++) {
    CHECK_OK(ag_plan_result(plan, i, &have));
    check_equal(what[i], have, want[i]);
    ag_array_release(have);
    ag_array_release(want[i]);
  }
  ag_array_release(u);
  ag_array_release(z);
}

static void random_inputs(void) {
  ag_array *w, *u, *z, *target[TARGETS], *below;
  ag_plan *plan = NULL;
  double values[COUNT];
  for (int i = 0; i < COUNT; i++) values[i] = i % 11 - 5;
  CHECK_OK(
      ag_array_write(&w, dev, type, ag_shape_of(2, (int64_t)ROWS, (int64_t)COLS), values, AG_F64));
  CHECK_OK(ag_expr_random_input(&u, dev, type, w->shape, AG_UNIFORM, KEY));
  CHECK_OK(ag_expr_random_input(&z, dev, type, w->shape, AG_NORMAL, KEY + 1));
  CHECK_OK(ag_expr_unary(&below, AG_OP_neg, u));
  CHECK(ag_array_force(1, &below) == AG_E_ARGUMENT, "a stream without a key has no values");
  of_random(w, u, z, target);
  CHECK_OK(ag_plan_new(&plan, TARGETS, target, NULL));
  for (uint64_t key = 0; key < 3; key++)
    check_keys(plan, w, key * UINT64_C(0x9E3779B97F4A7C15), 7 - key);
  ag_plan_free(plan);
  for (int i = 0; i < TARGETS; i++) ag_array_release(target[i]);
  ag_array *all[] = {w, u, z, below};
  for (int i = 0; i < 4; i++) ag_array_release(all[i]);
}

/* -- which nodes are one kernel -------------------------------------------------------------- */
static ag_array *whole_numbers(int64_t rows, int64_t cols, double *v) {
  ag_array *x = NULL;
  for (int64_t i = 0; i < rows * cols; i++) v[i] = (double)(i * 7 % 13) - 6;
  CHECK_OK(ag_array_write(&x, dev, type, ag_shape_of(2, rows, cols), v, AG_F64));
  return x;
}

static ag_array *op2(ag_op op, ag_array *a, ag_array *b) {
  ag_array *y = NULL;
  CHECK_OK(ag_expr_binary(&y, op, a, b));
  return y;
}

static void release(int n, ag_array *const *x) {
  for (int i = 0; i < n; i++) ag_array_release(x[i]);
}

/* The plan takes as many launches as are wanted; result i is as want[i]. */
static void check_plan(const char *what, int n, ag_array *const *target, ag_array *const *assign,
                       int launches, double *const *want) {
  ag_plan *plan = NULL;
  double have[COUNT];
  CHECK_OK(ag_plan_new(&plan, n, target, assign));
  int64_t before = ag_stat.launches;
  CHECK_OK(ag_plan_run(plan));
  CHECK(ag_stat.launches - before == launches, "%s: %d launches", what,
        (int)(ag_stat.launches - before));
  for (int i = 0; i < n; i++) {
    ag_array *y = NULL;
    int64_t at = 0, count = ag_array_count(target[i]);
    CHECK_OK(ag_plan_result(plan, i, &y));
    CHECK_OK(ag_array_read(y, have, AG_F64));
    while (at < count && have[at] == want[i][at]) at++;
    CHECK(at == count, "%s: element %d of target %d is %g, not %g", what, (int)at, i, have[at],
          want[i][at]);
    ag_array_release(y);
  }
  ag_plan_free(plan);
}

/* s = x + 1 is used by a map and a sum of rows, and by a product: the map stores it. */
static void further_outputs(void) {
  enum { M = 6, N = 5 };
  double v[M * N], p[M * N], r[M] = {0}, q[M * M] = {0};
  ag_array *x = whole_numbers(M, N, v), *one, *s, *square, *rows, *product;
  CHECK_OK(ag_expr_scalar(&one, 1, type));
  s = op2(AG_OP_add, x, one);
  CHECK_OK(ag_expr_unary(&square, AG_OP_square, s));
  CHECK_OK(ag_expr_reduce(&rows, s, AG_SUM, 1, 2, 0));
  CHECK_OK(ag_expr_matmul(&product, s, s, 0, 1));
  for (int i = 0; i < M * N; i++) v[i] += 1, p[i] = v[i] * v[i], r[i % M] += v[i];
  for (int i = 0; i < M * M; i++)
    for (int l = 0; l < N; l++) q[i] += v[i % M + M * l] * v[i / M + M * l];
  ag_array *target[] = {square, rows, product}, *all[] = {x, one, s, square, rows, product};
  double *want[] = {p, r, q};
  check_plan("a further output", 3, target, NULL, 3, want);
  release(6, all);
}

/* Rows above rows above rows, all from one kernel with their common factor; and those beside what
 * stands alone. */
static void interleaved(void) {
  enum { M = 4, N = 6 };
  double v[M * N], w[3 * M * N * 2], factor[M * N];
  ag_array *x = whole_numbers(M, N, v), *two, *common, *part[3], *stack, *pair[2], *both;
  CHECK_OK(ag_expr_scalar(&two, 2, type));
  common = op2(AG_OP_mul, x, two);
  part[0] = op2(AG_OP_add, common, two);
  part[1] = op2(AG_OP_sub, x, common);
  part[2] = op2(AG_OP_mul, common, common);
  CHECK_OK(ag_expr_bind(&stack, 3, part, 0));
  pair[0] = stack;
  CHECK_OK(ag_expr_unary(&pair[1], AG_OP_neg, stack));
  CHECK_OK(ag_expr_bind(&both, 2, pair, 1));
  for (int i = 0; i < M * N; i++) {
    double *to = &w[i % M + 3 * M * (i / M)], c = factor[i] = 2 * v[i];
    to[0] = c + 2, to[M] = v[i] - c, to[2 * M] = c * c;
    for (int k = 0; k < 3; k++) to[k * M + 3 * M * N] = -to[k * M];
  }
  ag_array *target[] = {both, common},
           *all[] = {x, two, common, part[0], part[1], part[2], stack, pair[1], both};
  double *want[] = {w, factor};
  check_plan("interleaved parts", 2, target, NULL, 2, want);
  release(9, all);
}

/* w <- 2 w while others read the new w, before and after it would have been written. */
static void assigned_and_read(void) {
  enum { N = 40 };
  double v[N], e[N], sum = 0;
  ag_array *w = whole_numbers(N, 1, v), *two, *w2, *total, *more;
  CHECK_OK(ag_array_force(1, &w));
  CHECK_OK(ag_expr_scalar(&two, 2, type));
  w2 = op2(AG_OP_mul, w, two);
  CHECK_OK(ag_expr_reduce(&total, w2, AG_SUM, 0, 1, 0));
  more = op2(AG_OP_sub, w2, total);
  for (int i = 0; i < N; i++) v[i] *= 2, sum += v[i];
  for (int i = 0; i < N; i++) e[i] = v[i] - sum;
  ag_array *target[] = {w2, total, more}, *assign[] = {w, NULL, NULL},
           *all[] = {w, two, w2, total, more};
  double *want[] = {v, &sum, e};
  check_plan("assigned and read", 3, target, assign, 4, want);
  release(5, all);
}

/* A graph much deeper than what is not traced can be: its walks must not recurse. */
static void deep(void) {
  enum { DEPTH = 200000 };
  ag_array *x, *y, *one, *row, *g = NULL;
  double seven = 7, want = 7 + DEPTH, slope = 1;
  CHECK_OK(ag_array_write(&x, dev, type, ag_shape_of(1, (int64_t)1), &seven, AG_F64));
  CHECK_OK(ag_expr_scalar_input(&one, type, 1));
  CHECK_OK(ag_expr_reshape(&row, x, ag_shape_of(2, (int64_t)1, (int64_t)1)));
  y = ag_array_retain(row);
  for (int i = 0; i < DEPTH; i++) {
    ag_array *next = op2(AG_OP_add, y, one);
    ag_array_release(y);
    y = next;
  }
  CHECK_OK(ag_grad(y, 1, &row, &g));
  ag_plan *plan = NULL;
  ag_array *target[] = {y, g}, *out = NULL;
  double have = 0;
  CHECK_OK(ag_plan_new(&plan, 2, target, NULL));
  ag_plan_set(plan, 1, 1);
  CHECK_OK(ag_plan_run(plan));
  for (int i = 0; i < 2; i++) {
    CHECK_OK(ag_plan_result(plan, i, &out));
    CHECK_OK(ag_array_read(out, &have, AG_F64));
    CHECK(have == (i ? slope : want), "%g", have);
    ag_array_release(out);
  }
  ag_plan_free(plan);
  ag_array *all[] = {x, one, row, y, g};
  release(5, all);
}

/* m = x (x^2)', r = sums of its rows, u = m + r + r or + m': u may lie over m, unless it reads m in
 * another order too. The target is u x. */
static void written_over(int transposed) {
  enum { M = 6, N = 5 };
  double v[M * N], m[M * M] = {0}, r[M] = {0}, u[M * M], want[M * N] = {0};
  ag_array *x = whole_numbers(M, N, v), *square = op2(AG_OP_mul, x, x), *a, *rows, *back, *q;
  CHECK_OK(ag_expr_matmul(&a, x, square, 0, 1));
  CHECK_OK(ag_expr_reduce(&rows, a, AG_SUM, 1, 2, 0));
  CHECK_OK(ag_expr_transpose(&back, a));
  ag_array *sum = op2(AG_OP_add, a, rows);
  ag_array *b = op2(AG_OP_add, sum, transposed ? back : rows);
  CHECK_OK(ag_expr_matmul(&q, b, x, 0, 0));
  for (int i = 0; i < M * M; i++)
    for (int l = 0; l < N; l++) m[i] += v[i % M + M * l] * v[i / M + M * l] * v[i / M + M * l];
  for (int i = 0; i < M * M; i++) r[i % M] += m[i];
  for (int i = 0; i < M * M; i++)
    u[i] = m[i] + r[i % M] + (transposed ? m[i / M + M * (i % M)] : r[i % M]);
  for (int i = 0; i < M * N; i++)
    for (int l = 0; l < M; l++) want[i] += u[i % M + M * l] * v[l + M * (i / M)];
  ag_array *inner[] = {square, a, rows, back, sum, b}; /* what has a handle is kept */
  release(6, inner);
  ag_schedule *s = NULL;
  int over = 0;
  CHECK_OK(ag_schedule_new(&s, 1, &q, NULL));
  ag_schedule_reuse(s);
  for (int i = 0; i < s->nslots; i++) over += s->slot[i].parent >= 0;
  CHECK(over == !transposed, "%d slots lie over others", over);
  ag_schedule_free(s);
  double *wants[] = {want};
  check_plan("written over", 1, &q, NULL, 5, wants);
  ag_array *both[] = {x, q};
  release(2, both);
}

/* Two parts of one vector, as the gradients of two layers: what the last part needs is there first,
 * and is used before the first part's chain goes on. */
static void parts_last_first(void) {
  enum { N = 6 };
  double v[N * N];
  ag_array *x = whole_numbers(N, N, v), *near, *far, *part[2], *both;
  CHECK_OK(ag_expr_matmul(&near, x, x, 0, 0));
  CHECK_OK(ag_expr_matmul(&far, near, near, 0, 0));
  CHECK_OK(ag_expr_reduce(&part[0], far, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_expr_reduce(&part[1], near, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_expr_concat(&both, 2, part));
  ag_schedule *s = NULL;
  CHECK_OK(ag_schedule_new(&s, 1, &both, NULL));
  CHECK(s->nkernels == 4 && s->kernel[1]->kind == AG_K_REDUCE && s->kernel[2]->kind == AG_K_MATMUL,
        "%d kernels, or another order", s->nkernels);
  ag_schedule_free(s);
  ag_array *all[] = {x, near, far, part[0], part[1], both};
  release(6, all);
}

/* -- memory of temporaries ------------------------------------------------------------------- */
/* No two pieces of one time share memory; none goes over the end of a block of `most` bytes. */
static void check_places(int n, const ag_piece *piece, size_t most) {
  for (int i = 0; i < n; i++) {
    const ag_piece *p = &piece[i];
    CHECK(!most || !p->offset || p->offset + p->bytes <= most, "piece %d in a block too large", i);
    for (int j = 0; j < i; j++) {
      const ag_piece *q = &piece[j];
      CHECK(p->block != q->block || p->last < q->first || q->last < p->first ||
                p->offset + p->bytes <= q->offset || q->offset + q->bytes <= p->offset,
            "pieces %d and %d overlap", j, i);
    }
  }
}

static void places(void) {
  enum { N = 60, STEPS = 40, MOST = 20000 };
  ag_piece piece[N], chain[] = {{1024, 0, 1, 0, 0}, {4096, 1, 2, 0, 0}, {2048, 2, 3, 0, 0}};
  srand(1);
  for (int i = 0; i < N; i++) {
    int first = rand() % STEPS, steps = rand() % (i % 10 ? 5 : STEPS);
    piece[i] = (ag_piece){.bytes = (size_t)(rand() % 9000), .first = first, .last = first + steps};
  }
  for (size_t most = 0; most <= MOST; most += MOST) {
    CHECK_OK(ag_arena_place(N, piece, most));
    check_places(N, piece, most);
  }
  CHECK_OK(ag_arena_place(3, chain, 0));
  CHECK(ag_arena_bytes(3, chain, 0) == 6144 && !ag_arena_bytes(3, chain, 1),
        "the first piece lies over the third");
}

/* Sums of the columns of (x x') x, in which x x' is a temporary. */
static ag_plan *plan_within(ag_workspace *w, ag_array *x) {
  ag_plan *plan = NULL;
  ag_array *square, *product, *sums;
  CHECK_OK(ag_expr_matmul(&square, x, x, 0, 1));
  CHECK_OK(ag_expr_matmul(&product, square, x, 0, 0));
  CHECK_OK(ag_expr_reduce(&sums, product, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_plan_new_within(&plan, w, 1, &sums, NULL));
  ag_array *all[] = {square, product, sums};
  release(3, all);
  return plan;
}

static void check_sums(ag_plan *plan, int64_t rows, int64_t cols, const double *x) {
  ag_array *have = NULL;
  double got[COLS] = {0};
  CHECK_OK(ag_plan_run(plan));
  CHECK_OK(ag_plan_result(plan, 0, &have));
  CHECK_OK(ag_array_read(have, got, AG_F64));
  ag_array_release(have);
  for (int64_t j = 0; j < cols; j++) {
    double want = 0;
    for (int64_t i = 0; i < rows; i++)
      for (int64_t k = 0; k < rows; k++)
        for (int64_t l = 0; l < cols; l++)
          want += x[i + rows * l] * x[k + rows * l] * x[k + rows * j];
    CHECK(got[j] == want, "sum %d of %d is %g, not %g", (int)j, (int)cols, got[j], want);
  }
}

/* Plans that run in turn: a smaller one needs no memory of its own, a larger one brings more for
 * those to come; each outlives the workspace. */
static void shared_memory(void) {
  enum { PLANS = 4, N = 5 };
  static const int64_t rows[PLANS] = {20, 12, 30, 24};
  double v[PLANS][30 * N];
  ag_workspace w = {0};
  ag_array *x[PLANS];
  ag_plan *plan[PLANS];
  int64_t buffers[PLANS];
  for (int i = 0; i < PLANS; i++) {
    x[i] = whole_numbers(rows[i], N, v[i]);
    CHECK_OK(ag_array_force(1, &x[i]));
    int64_t before = ag_device_memory(dev).live_buffers;
    plan[i] = plan_within(&w, x[i]);
    buffers[i] = ag_device_memory(dev).live_buffers - before;
  }
  CHECK(buffers[0] == 1 && buffers[1] == 0 && buffers[2] == 1 && buffers[3] == 0,
        "%d, %d, %d and %d new buffers", (int)buffers[0], (int)buffers[1], (int)buffers[2],
        (int)buffers[3]);
  ag_workspace_drop(&w);
  for (int k = 0; k < 2 * PLANS; k++) check_sums(plan[k % PLANS], rows[k % PLANS], N, v[k % PLANS]);
  for (int i = 0; i < PLANS; i++) ag_plan_free(plan[i]);
  release(PLANS, x);
}

static void test(ag_device *d, int opencl) {
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    random_inputs();
    further_outputs();
    interleaved();
    assigned_and_read();
    for (int transposed = 0; transposed < 2; transposed++) written_over(transposed);
    parts_last_first();
    shared_memory();
  }
  type = AG_F32;
  if (opencl) return;
  deep();
  places();
}

int main(int argc, char **argv) { return on_devices(argc, argv, test); }
