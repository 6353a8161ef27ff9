/* The host's matmul and the thread pool, against a plain double loop. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "host_gemm.h"
#include "threads.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

static int passed, failed;

static void check(int ok, const char *what) {
  if (ok) {
    passed++;
    return;
  }
  failed++;
  printf("FAILED: %s\n", what);
}

/* ---- matmul ---- */

static uint64_t seed = 42;
static double uniform(void) { /* the usual 64-bit congruential generator; exact in float */
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(int)(seed >> 44) / 1048576 - 0.5;
}

/* How an operand lies in memory. */
typedef enum { NORMAL, TRANSPOSED, SPREAD, REPEATED, ONE, LAYOUTS } layout;
static const char *const layout_name[] = {"normal", "transposed", "spread", "repeated", "one"};

typedef struct {
  int f64;
  int64_t rs, cs;
  void *x;
} operand;

static size_t place(operand *o, layout how, int64_t rows, int64_t cols) {
  switch (how) {
  case NORMAL: o->rs = 1, o->cs = rows + 3; break;
  case TRANSPOSED: o->rs = cols, o->cs = 1; break;
  case SPREAD: o->rs = 2, o->cs = 2 * rows + 5; break;
  case REPEATED: o->rs = 0, o->cs = 1; break;
  default: o->rs = o->cs = 0;
  }
  /* exactly what is addressed: a sanitizer sees one element too far */
  return (size_t)((rows ? rows - 1 : 0) * o->rs + (cols ? cols - 1 : 0) * o->cs + 1);
}

static int fill(operand *o, int f64, layout how, int64_t rows, int64_t cols) {
  size_t count = place(o, how, rows, cols);
  o->f64 = f64;
  o->x = malloc(count * (f64 ? 8 : 4));
  if (!o->x) return 0;
  for (size_t i = 0; i < count; i++)
    if (f64) ((double *)o->x)[i] = uniform();
    else ((float *)o->x)[i] = (float)uniform();
  return 1;
}

static double element(const operand *o, int64_t i, int64_t j) {
  int64_t at = i * o->rs + j * o->cs;
  return o->f64 ? ((const double *)o->x)[at] : ((const float *)o->x)[at];
}

/* What `done` heard: how often each element came, and a copy of its value then. */
typedef struct {
  int64_t m, n;
  int f64, bad, calls;
  const void *c;
  int *count;
  double *copy;
} witness;

static double result(const witness *w, int64_t at) {
  return w->f64 ? ((const double *)w->c)[at] : ((const float *)w->c)[at];
}

static void hear(void *ctx, int64_t i, int64_t m, int64_t j, int64_t n, int worker) {
  witness *w = ctx;
  __atomic_add_fetch(&w->calls, 1, __ATOMIC_RELAXED);
  if (worker < 0 || worker >= ag_threads() || worker != ag_threads_self() || i < 0 || j < 0 ||
      i + m > w->m || j + n > w->n) {
    __atomic_store_n(&w->bad, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t q = j; q < j + n; q++)
    for (int64_t p = i; p < i + m; p++) {
      w->count[p + q * w->m]++;
      w->copy[p + q * w->m] = result(w, p + q * w->m);
    }
}

static ag_status product(int64_t m, int64_t n, int64_t k, const operand *a, const operand *b,
                         void *c, ag_tile_fn done, void *ctx) {
  ag_gemm g = {.type = a->f64 ? AG_F64 : AG_F32, .m = m, .n = n, .k = k, .ldc = m};
  g.a = a->x, g.rs_a = a->rs, g.cs_a = a->cs;
  g.b = b->x, g.rs_b = b->rs, g.cs_b = b->cs;
  g.c = c, g.done = done, g.ctx = ctx;
  return ag_host_gemm(&g);
}

/* Against a plain sum: C was `start`, and `sign` times the product was added. */
static int right_into(const witness *w, int64_t k, const operand *a, const operand *b, double start,
                      double sign) {
  double eps = w->f64 ? 2.3e-16 : 1.2e-7;
  for (int64_t j = 0; j < w->n; j++)
    for (int64_t i = 0; i < w->m; i++) {
      double sum = 0, size = 0, got = result(w, i + j * w->m);
      for (int64_t l = 0; l < k; l++) {
        double term = element(a, i, l) * element(b, l, j);
        sum += term;
        size += fabs(term);
      }
      sum = start + sign * sum;
      if (!(fabs(got - sum) <= eps * (double)(k + 2) * (size + start))) return 0;
      if (w->count[i + j * w->m] != 1 || w->copy[i + j * w->m] != got) return 0;
    }
  return !w->bad;
}

static int right(const witness *w, int64_t k, const operand *a, const operand *b) {
  return right_into(w, k, a, b, 0, 1);
}

static int try_product(int f64, int64_t m, int64_t n, int64_t k, layout how_a, layout how_b) {
  operand a, b;
  size_t count = (size_t)(m * n) + 1, bytes = count * (f64 ? 8 : 4);
  witness w = {
      m, n, f64, 0, 0, malloc(bytes), calloc(count, sizeof(int)), calloc(count, sizeof(double))};
  int ok = fill(&a, f64, how_a, m, k) && fill(&b, f64, how_b, k, n) && w.c && w.count && w.copy;
  if (ok) {
    memset((void *)w.c, 0xff, bytes); /* NaN: what is not overwritten is seen */
    ok = product(m, n, k, &a, &b, (void *)w.c, hear, &w) == AG_OK && right(&w, k, &a, &b);
    if (ok && m * n > 0) { /* without `done` */
      memset((void *)w.c, 0xff, bytes);
      ok = product(m, n, k, &a, &b, (void *)w.c, NULL, NULL) == AG_OK && right(&w, k, &a, &b);
    }
    if (ok && m * n * k <= 100000 && w.calls > 1) ok = 0; /* small: one tile */
  }
  if (!ok)
    printf("FAILED: %s %d x %d x %d, A %s, B %s\n", f64 ? "f64" : "f32", (int)m, (int)n, (int)k,
           layout_name[how_a], layout_name[how_b]);
  free(a.x);
  free(b.x);
  free((void *)w.c);
  free(w.count);
  free(w.copy);
  return ok;
}

static void count_product(int f64, int64_t m, int64_t n, int64_t k, layout how_a, layout how_b) {
  if (try_product(f64, m, n, k, how_a, how_b)) passed++;
  else failed++;
}

static void test_shapes(int quick) {
  static const int size[] = {0,  1,  2,  3,  5,  7,  8,  11, 13, 16, 17, 23,
                             24, 31, 32, 33, 40, 47, 48, 49, 61, 64, 67, 70};
  int sizes = (int)(sizeof size / sizeof *size), step = quick ? 5 : 1, turn = 0;
  for (int i = 0; i < sizes; i++)
    for (int j = 0; j < sizes; j++)
      for (int l = 0; l < sizes; l += 1) {
        turn++;
        if (turn % step) continue;
        layout how_a = (layout)(turn / step % LAYOUTS),
               how_b = (layout)(turn / step / LAYOUTS % LAYOUTS);
        count_product(turn / 2 % 2, size[i], size[j], size[l], how_a, how_b);
      }
}

static void test_layouts(void) {
  static const int shape[][3] = {{40, 32, 40}, {1, 32, 40},   {33, 1, 29},
                                 {1, 1, 70},   {10, 65, 128}, {130, 9, 300}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int how = 0; how < LAYOUTS * LAYOUTS * 2; how++)
      count_product(how % 2, shape[i][0], shape[i][1], shape[i][2], (layout)(how / 2 % LAYOUTS),
                    (layout)(how / 2 / LAYOUTS));
}

static void test_large(void) {
  static const int shape[][3] = {{256, 128, 784}, {10, 700, 500}, {700, 10, 500},   {301, 307, 311},
                                 {1, 3000, 900},  {3000, 1, 900}, {257, 263, 1100}, {4100, 70, 150},
                                 {70, 4100, 150}, {129, 131, 1},  {160, 32, 160},   {150, 33, 161}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int how = 0; how < 8; how++)
      count_product(how % 2, shape[i][0], shape[i][1], shape[i][2], (layout)(how / 2 % 2),
                    (layout)(how / 4));
  count_product(0, 210, 220, 230, SPREAD, SPREAD);
  count_product(1, 210, 220, 230, REPEATED, SPREAD);
}

static void set_all(void *x, int f64, size_t count, double value) {
  for (size_t i = 0; i < count; i++)
    if (f64) ((double *)x)[i] = value;
    else ((float *)x)[i] = (float)value;
}

/* C += A B and C -= A B; one operand twice, as in crossprod(x): A' A. */
static void count_into(int f64, int64_t m, int64_t n, int64_t k, ag_into into, int same) {
  operand a = {0}, b = {0};
  size_t count = (size_t)(m * n);
  double start = into == AG_INTO_SET ? 0 : 1, sign = into == AG_INTO_SUB ? -1 : 1;
  witness w = {m,
               n,
               f64,
               0,
               0,
               malloc(count * 8),
               calloc(count, sizeof(int)),
               calloc(count, sizeof(double))};
  int ok = fill(&a, f64, same ? TRANSPOSED : NORMAL, m, k) && fill(&b, f64, NORMAL, k, n) && w.c;
  ag_gemm g = {.type = f64 ? AG_F64 : AG_F32, .m = m, .n = n, .k = k, .ldc = m, .into = into};
  operand other = same ? (operand){f64, a.cs, a.rs, a.x} : b;
  g.a = a.x, g.rs_a = a.rs, g.cs_a = a.cs, g.b = other.x, g.rs_b = other.rs, g.cs_b = other.cs;
  g.c = (void *)w.c, g.done = hear, g.ctx = &w;
  if (ok) {
    if (start > 0) set_all(g.c, f64, count, start);
    else memset(g.c, 0xff, count * 8);
    ok = ag_host_gemm(&g) == AG_OK && right_into(&w, k, &a, &other, start, sign);
  }
  for (int64_t j = 0; ok && same && j < n; j++)
    for (int64_t i = 0; i < j; i++) ok = ok && result(&w, i + j * m) == result(&w, j + i * m);
  if (!ok)
    printf("FAILED: %s %d x %d x %d, into %d, %s\n", f64 ? "f64" : "f32", (int)m, (int)n, (int)k,
           into, same ? "A' A" : "A B");
  if (ok) passed++;
  else failed++;
  free(a.x), free(b.x), free((void *)w.c), free(w.count), free(w.copy);
}

static void test_into(int quick) {
  static const int shape[][3] = {{40, 30, 20},   {1, 1, 700000},  {3, 2, 150001},
                                 {70, 60, 2047}, {70, 60, 5003},  {301, 307, 311},
                                 {1100, 30, 65}, {1500, 500, 33}, {90, 1, 9000}};
  static const int square[][2] = {{5, 7},     {63, 64},   {64, 64},   {65, 100},  {100, 9001},
                                  {129, 700}, {300, 300}, {611, 130}, {700, 1100}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int how = 0; how < 6; how++)
      count_into(how % 2, shape[i][0], shape[i][1], shape[i][2], (ag_into)(how / 2), 0);
  for (size_t i = 0; i < sizeof square / sizeof *square; i++)
    for (int how = 0; how < 6; how++)
      count_into(how % 2, square[i][0], square[i][0], square[i][1], (ag_into)(how / 2), 1);
  if (!quick) count_into(1, 4100, 4100, 64, AG_INTO_SET, 1); /* more than one packed block */
}

/* NaN and infinity stay in their row and column. */
static void test_special(void) {
  enum { M = 50, N = 30, K = 20 };
  static float a[M * K], b[K * N], c[M * N];
  for (int i = 0; i < M * K; i++) a[i] = 1;
  for (int i = 0; i < K * N; i++) b[i] = 1;
  a[49 + 3 * M] = NAN;
  b[5 + 29 * K] = INFINITY;
  operand x = {0, 1, M, a}, y = {0, 1, K, b};
  check(product(M, N, K, &x, &y, c, NULL, NULL) == AG_OK, "product with NaN");
  int ok = 1;
  for (int j = 0; j < N; j++)
    for (int i = 0; i < M; i++) {
      float x = c[i + j * M];
      ok = ok && (i == 49 ? isnan(x) != 0 : j == 29 ? isinf(x) != 0 : x == K);
    }
  check(ok, "NaN and infinity stay in their row and column");
}

/* ---- the pool ---- */

typedef struct {
  int tasks, seen[1000], nested[1000], bad;
} tally;

static void inner(void *ctx, int task, int worker) {
  tally *t = ctx;
  if (worker != ag_threads_self()) __atomic_store_n(&t->bad, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&t->nested[task], 1, __ATOMIC_RELAXED);
}

static void outer(void *ctx, int task, int worker) {
  tally *t = ctx;
  t->seen[task]++;
  if (worker != ag_threads_self() || worker >= ag_threads())
    __atomic_store_n(&t->bad, 1, __ATOMIC_RELAXED);
  if (task % 10 == 0) ag_parallel(7, inner, t);
}

static int parallel_ok(int tasks) {
  static tally t;
  memset(&t, 0, sizeof t);
  ag_parallel(tasks, outer, &t);
  for (int i = 0; i < 1000; i++)
    if (t.seen[i] != (i < tasks)) return 0;
  for (int i = 0; i < 7; i++)
    if (t.nested[i] != (tasks + 9) / 10) return 0;
  return !t.bad;
}

static void test_pool(void) {
  int ok = 1;
  for (int threads = 1; threads <= 6; threads++) {
    ag_threads_set(threads);
    check(ag_threads() == threads, "number of threads");
    for (int i = 0; i < 300; i++) ok = ok && parallel_ok(i);
    ag_threads_stop();
    for (int i = 0; i < 20; i++) ok = ok && parallel_ok(1000);
  }
  check(ok, "each task once, nested calls too, at 1 to 6 threads");
  ag_threads_stop();
  ag_threads_stop();
  setenv("ANYGPU_THREADS", "3", 1);
  ag_threads_set(0);
  check(ag_threads() == 3, "ANYGPU_THREADS");
  unsetenv("ANYGPU_THREADS");
  setenv("OMP_THREAD_LIMIT", "1", 1);
  ag_threads_set(0);
  check(ag_threads() == 1, "OMP_THREAD_LIMIT");
  unsetenv("OMP_THREAD_LIMIT");
  setenv("_R_CHECK_LIMIT_CORES_", "TRUE", 1);
  ag_threads_set(0);
  check(ag_threads() <= 2, "_R_CHECK_LIMIT_CORES_");
  unsetenv("_R_CHECK_LIMIT_CORES_");
  ag_threads_set(2);
}

static void test_scratch(void) {
  char *x = ag_threads_scratch(AG_SCRATCH_PANEL, 1000);
  check(x && (uintptr_t)x % 64 == 0, "scratch memory is aligned");
  check(ag_threads_scratch(AG_SCRATCH_PANEL, 10) == (void *)x, "scratch memory is kept");
  check(ag_threads_scratch(AG_SCRATCH_PANEL, (size_t)-1) == NULL, "no memory is said");
  check(ag_threads_scratch(AG_SCRATCH_PANEL, 5000) != NULL, "and then there is some again");
}

#ifndef _WIN32
/* A forked child has no workers of its parent's: its matmul starts its own. */
static void test_fork(void) {
  check(try_product(0, 301, 307, 311, NORMAL, NORMAL), "product before fork()");
  for (int i = 0; i < 3; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(60); /* a hang ends as a failure */
      int ok = try_product(0, 301, 307, 311, NORMAL, NORMAL) && parallel_ok(100);
      ag_threads_stop();
      _exit(ok ? 0 : 1);
    }
    int status = -1;
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
              WEXITSTATUS(status) == 0,
          "product in a forked child");
  }
  check(try_product(0, 301, 307, 311, NORMAL, NORMAL), "product after fork()");
}

/* Signals reach the caller's thread: workers block them all. */
static volatile sig_atomic_t caught_by = -1;
static void on_signal(int number) {
  (void)number;
  caught_by = ag_threads_self();
}

static void busy(void *ctx, int task, int worker) {
  (void)ctx;
  if (task == 0) kill(getpid(), SIGUSR1);
  if (worker == 0) return;
  struct timespec pause = {0, 1000000};
  nanosleep(&pause, NULL);
}

static void test_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  int ok = sigaction(SIGUSR1, &action, NULL) == 0;
  for (int i = 0; i < 20; i++) {
    caught_by = -1;
    ag_parallel(8, busy, NULL);
    ok = ok && caught_by == 0;
  }
  check(ok, "signals reach the caller's thread");
}
#endif

/* Arguments: `quick` for a fifth of the shapes, `nofork` where a sanitizer cannot follow fork(). */
int main(int argc, char **argv) {
  int quick = 0, nofork = 0;
  for (int i = 1; i < argc; i++) {
    quick |= !strcmp(argv[i], "quick");
    nofork |= !strcmp(argv[i], "nofork");
  }
  ag_threads_set(2);
  test_shapes(quick);
  test_layouts();
  test_large();
  test_into(quick);
  test_special();
  test_pool();
  test_scratch();
#ifndef _WIN32
  if (!nofork) test_fork();
  test_signals();
#else
  (void)nofork;
#endif
  ag_threads_stop();
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
