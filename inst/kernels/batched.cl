/* Small problems of linear algebra, many of one size at once, in the language that OpenCL C and C99
 * share: the host's loops include this text, once per type and instruction set.
 *
 * A vector `lanes` holds the same element of LANES problems, so that one operation is done for all
 * of them; where they would branch differently, CHOOSE(truth, yes, no) takes both ways. Element
 * (i, j) of the problems is AT(a, i, j), `stride` vectors after the one before it: on a GPU, where
 * a vector is one number, the same element of neighbouring problems lies side by side.
 *
 *   KIND  function          of the problems first, first + 1, ..., first + LANES - 1 of `batch`
 *   1     batched_solve     x = A^-1 B by LU with partial pivoting; identity: B is the unit matrix.
 *                           info: 0, or k where U[k, k] = 0
 *   2     batched_chol      x = R, upper triangular, A = R'R (of A the upper triangle is read).
 *                           info: 0, or the order of the leading minor that is not positive
 *   3     batched_det       x = det(A)
 *   4     batched_eigen     A = V diag(x) V' (of A the lower triangle is read), x decreasing, with
 *                           the signs of ag_eigen_signs(), by cyclic Jacobi rotations (Golub and
 *                           Van Loan, Matrix Computations, 8.5)
 *   0     all of them, to compile this file alone
 *
 * NaN stays in its problem, and every loop has a bound. `work` holds n (n + k), n n, n n and
 * (2 n + 1) n vectors. */
#ifndef KIND
#define KIND 0
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef WIDE
#define WIDE 0 /* REAL is double */
#endif
#ifndef LANES
#define LANES 8
#endif

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
#define PASTE2(x, y) x##y
#define PASTE(x, y)  PASTE2(x, y)
#if WIDE
#define WHOLE long
#else
#define WHOLE int
#endif
typedef REAL real;
typedef long ag_index;
#define MEM      __global
#define FN(name) name
#define INLINE   static inline
#if LANES > 1
typedef PASTE(REAL, LANES) lanes;
typedef PASTE(WHOLE, LANES) truth; /* of a comparison of lanes */
#define ANY(t) any(t)
#else
typedef REAL lanes;
typedef int truth;
#define ANY(t) (t)
#endif
#define SPLAT(x)        ((lanes)((real)(x)))
#define CHOOSE(t, y, n) ((t) ? (y) : (n))
#define ROOT(x)         sqrt(x)
#endif

#define AT(x, i, j) (x)[((i) + (j) * n) * stride]
#define SIZE(x)     CHOOSE((x) < 0, -(x), x)

/* What det() and eigen() do not let numbers grow or shrink beyond, and by what they are scaled
 * then: all powers of 2. */
#undef EPSILON
#undef BIG
#undef SHIFT
#if WIDE
#define EPSILON 0x1p-52
#define BIG     0x1p400
#define SHIFT   0x1p600
#else
#define EPSILON 0x1p-23f
#define BIG     0x1p50f
#define SHIFT   0x1p80f
#endif

/* -- between arrays of problems and vectors -------------------------------------------------- */
/* `count` elements of each problem. Lanes behind the last problem repeat it. */
INLINE void FN(batched_load)(ag_index count, ag_index first, ag_index batch, MEM const real *x,
                             MEM lanes *work, ag_index stride) {
  MEM real *to = (MEM real *)work;
  for (int lane = 0; lane < LANES; lane++) {
    const ag_index own = first + lane < batch ? first + lane : batch - 1;
    for (ag_index e = 0; e < count; e++) to[e * stride * LANES + lane] = x[own * count + e];
  }
}

INLINE void FN(batched_store)(ag_index count, ag_index first, ag_index batch, MEM real *x,
                              MEM const lanes *work, ag_index stride) {
  MEM const real *from = (MEM const real *)work;
  for (int lane = 0; lane < LANES && first + lane < batch; lane++)
    for (ag_index e = 0; e < count; e++)
      x[(first + lane) * count + e] = from[e * stride * LANES + lane];
}

/* `value`, whose elements are small whole numbers, by way of `room`. */
INLINE void FN(batched_report)(ag_index first, ag_index batch, MEM int *info, lanes value,
                               MEM lanes *room) {
  *room = value;
  for (int lane = 0; lane < LANES && first + lane < batch; lane++)
    info[first + lane] = (int)((MEM const real *)room)[lane];
}

/* The unit matrix. */
INLINE void FN(batched_unit)(ag_index n, MEM lanes *a, ag_index stride) {
  for (ag_index j = 0; j < n; j++)
    for (ag_index i = 0; i < n; i++) AT(a, i, j) = SPLAT(i == j);
}

INLINE void FN(batched_swap)(truth t, MEM lanes *x, MEM lanes *y) {
  const lanes u = *x, v = *y;
  *x = CHOOSE(t, v, u);
  *y = CHOOSE(t, u, v);
}

/* -- LU -------------------------------------------------------------------------------------- */
#if KIND == 0 || KIND == 1 || KIND == 3
/* Exchanges row k with that of the largest element on or below the diagonal of column k (NaN counts
 * as largest); returns which row that was. */
INLINE lanes FN(batched_pivot)(ag_index k, ag_index n, ag_index columns, MEM lanes *a,
                               ag_index stride) {
  lanes best = SIZE(AT(a, k, k)), row = SPLAT(k);
  for (ag_index i = k + 1; i < n; i++) {
    const lanes x = SIZE(AT(a, i, k));
    const truth larger = (x > best) | (x != x);
    best = CHOOSE(larger, x, best);
    row = CHOOSE(larger, SPLAT(i), row);
  }
  for (ag_index i = k + 1; i < n; i++) {
    const truth here = row == SPLAT(i);
    if (!ANY(here)) continue;
    for (ag_index j = k; j < columns; j++) FN(batched_swap)(here, &AT(a, k, j), &AT(a, i, j));
  }
  return row;
}

/* Subtracts multiples of row k from the rows below it. Where the pivot is 0, so is all below it. */
INLINE void FN(batched_eliminate)(ag_index k, ag_index n, ag_index columns, MEM lanes *a,
                                  ag_index stride) {
  const lanes pivot = CHOOSE(AT(a, k, k) == 0, SPLAT(1), AT(a, k, k));
  for (ag_index i = k + 1; i < n; i++) AT(a, i, k) = AT(a, i, k) / pivot;
  for (ag_index j = k + 1; j < columns; j++) {
    const lanes u = AT(a, k, j);
    for (ag_index i = k + 1; i < n; i++) AT(a, i, j) -= AT(a, i, k) * u;
  }
}
#endif

#if KIND == 0 || KIND == 1
INLINE void FN(batched_solve)(ag_index n, ag_index k, int identity, ag_index first, ag_index batch,
                              MEM const real *a, MEM const real *b, MEM real *x, MEM int *info,
                              MEM lanes *work, ag_index stride) {
  MEM lanes *rhs = work + n * n * stride;
  lanes singular = SPLAT(0);
  FN(batched_load)(n * n, first, batch, a, work, stride);
  if (identity) FN(batched_unit)(n, rhs, stride);
  else FN(batched_load)(n * k, first, batch, b, rhs, stride);
  for (ag_index c = 0; c < n; c++) {
    (void)FN(batched_pivot)(c, n, n + k, work, stride);
    singular = CHOOSE((AT(work, c, c) == 0) & (singular == 0), SPLAT(c + 1), singular);
    FN(batched_eliminate)(c, n, n + k, work, stride);
  }
  for (ag_index j = 0; j < k; j++)
    for (ag_index c = n; c-- > 0;) {
      const lanes u = AT(rhs, c, j) / AT(work, c, c);
      AT(rhs, c, j) = u;
      for (ag_index i = 0; i < c; i++) AT(rhs, i, j) -= AT(work, i, c) * u;
    }
  FN(batched_store)(n * k, first, batch, x, rhs, stride);
  FN(batched_report)(first, batch, info, singular, work);
}
#endif

#if KIND == 0 || KIND == 3
/* *x 2^(*shifts log2(SHIFT)) stays the same, |*x| comes between 1 / BIG and BIG, if once is enough.
 */
INLINE void FN(batched_scale)(lanes *x, lanes *shifts) {
  const lanes size = SIZE(*x);
  const truth large = size > BIG, small = size < 1 / BIG;
  *x = CHOOSE(large, *x * (1 / SHIFT), CHOOSE(small, *x * SHIFT, *x));
  *shifts = CHOOSE(large, *shifts + 1, CHOOSE(small, *shifts - 1, *shifts));
}

INLINE void FN(batched_det)(ag_index n, ag_index first, ag_index batch, MEM const real *a,
                            MEM real *x, MEM lanes *work, ag_index stride) {
  lanes product = SPLAT(1), shifts = SPLAT(0);
  FN(batched_load)(n * n, first, batch, a, work, stride);
  for (ag_index c = 0; c < n; c++) {
    const lanes row = FN(batched_pivot)(c, n, n, work, stride);
    lanes u = AT(work, c, c);
    FN(batched_eliminate)(c, n, n, work, stride);
    u = CHOOSE(row == SPLAT(c), u, -u);
    FN(batched_scale)(&u, &shifts);
    product = product * u;
    FN(batched_scale)(&product, &shifts);
  }
  for (int i = 0; i < 3; i++) { /* after three all is 0 or infinite */
    const lanes less = CHOOSE(shifts < 0, product * (1 / SHIFT), product);
    product = CHOOSE(shifts > 0, product * SHIFT, less);
    shifts = CHOOSE(shifts > 0, shifts - 1, CHOOSE(shifts < 0, shifts + 1, shifts));
  }
  *work = product;
  FN(batched_store)(1, first, batch, x, work, stride);
}
#endif

/* -- Cholesky -------------------------------------------------------------------------------- */
#if KIND == 0 || KIND == 2
INLINE void FN(batched_chol)(ag_index n, ag_index first, ag_index batch, MEM const real *a,
                             MEM real *x, MEM int *info, MEM lanes *work, ag_index stride) {
  lanes minor = SPLAT(0);
  FN(batched_load)(n * n, first, batch, a, work, stride);
  for (ag_index k = 0; k < n; k++) {
    const lanes d = AT(work, k, k), r = ROOT(d);
    minor = CHOOSE((d <= 0) & (minor == 0), SPLAT(k + 1), minor);
    AT(work, k, k) = r;
    for (ag_index j = k + 1; j < n; j++) AT(work, k, j) = AT(work, k, j) / r;
    for (ag_index j = k + 1; j < n; j++) {
      const lanes u = AT(work, k, j);
      AT(work, j, k) = SPLAT(0);
      for (ag_index i = k + 1; i <= j; i++) AT(work, i, j) -= AT(work, k, i) * u;
    }
  }
  FN(batched_store)(n * n, first, batch, x, work, stride);
  FN(batched_report)(first, batch, info, minor, work);
}
#endif

/* -- symmetric eigenproblems ------------------------------------------------------------------ */
#if KIND == 0 || KIND == 4
#define MAX_SWEEPS 40

INLINE void FN(batched_rotate)(lanes c, lanes s, MEM lanes *x, MEM lanes *y) {
  const lanes u = *x, v = *y;
  *x = c * u - s * v;
  *y = s * u + c * v;
}

/* The rotation of rows and columns p < q that makes element (q, p) zero where it is larger than
 * `least`; only the lower triangle is kept. Returns whether there was any. */
INLINE int FN(batched_jacobi)(ag_index n, ag_index p, ag_index q, lanes least, MEM lanes *a,
                              MEM lanes *v, int vectors, ag_index stride) {
  const lanes app = AT(a, p, p), aqq = AT(a, q, q), apq = AT(a, q, p);
  const truth needed = SIZE(apq) > least;
  if (!ANY(needed)) return 0;
  const lanes theta = (aqq - app) / (2 * apq), root = ROOT(theta * theta + 1);
  const lanes tangent = 1 / CHOOSE(theta < 0, theta - root, theta + root);
  const lanes t = CHOOSE(needed, tangent, SPLAT(0)), c = 1 / ROOT(t * t + 1), s = t * c;
  AT(a, p, p) = app - CHOOSE(needed, t * apq, SPLAT(0));
  AT(a, q, q) = aqq + CHOOSE(needed, t * apq, SPLAT(0));
  AT(a, q, p) = CHOOSE(needed, SPLAT(0), apq);
  for (ag_index i = 0; i < p; i++) FN(batched_rotate)(c, s, &AT(a, p, i), &AT(a, q, i));
  for (ag_index i = p + 1; i < q; i++) FN(batched_rotate)(c, s, &AT(a, i, p), &AT(a, q, i));
  for (ag_index i = q + 1; i < n; i++) FN(batched_rotate)(c, s, &AT(a, i, p), &AT(a, i, q));
  if (vectors)
    for (ag_index i = 0; i < n; i++) FN(batched_rotate)(c, s, &AT(v, i, p), &AT(v, i, q));
  return 1;
}

/* Scales the lower triangle so that it neither overflows nor vanishes; returns the largest size in
 * it, NaN if some element is not finite, and what makes up for the scaling. */
INLINE lanes FN(batched_range)(ag_index n, MEM lanes *a, lanes *undo, ag_index stride) {
  lanes most = SPLAT(0), check = SPLAT(0), scale;
  for (ag_index j = 0; j < n; j++)
    for (ag_index i = j; i < n; i++) {
      const lanes x = SIZE(AT(a, i, j));
      most = CHOOSE(x > most, x, most);
      check = check + 0 * x;
    }
  scale = CHOOSE(most > BIG, SPLAT(1 / SHIFT), CHOOSE(most < 1 / BIG, SPLAT(SHIFT), SPLAT(1)));
  *undo = 1 / scale;
  for (ag_index j = 0; j < n; j++)
    for (ag_index i = j; i < n; i++) AT(a, i, j) = AT(a, i, j) * scale;
  return most * scale + check;
}

/* Decreasing values, their vectors with them. */
INLINE void FN(batched_sort)(ag_index n, MEM lanes *d, MEM lanes *v, int vectors, ag_index stride) {
  for (ag_index k = 0; k < n; k++) {
    lanes best = d[k * stride], at = SPLAT(k);
    for (ag_index i = k + 1; i < n; i++) {
      const truth larger = d[i * stride] > best;
      best = CHOOSE(larger, d[i * stride], best);
      at = CHOOSE(larger, SPLAT(i), at);
    }
    for (ag_index i = k + 1; i < n; i++) {
      const truth here = at == SPLAT(i);
      if (!ANY(here)) continue;
      FN(batched_swap)(here, &d[k * stride], &d[i * stride]);
      for (ag_index r = 0; r < n && vectors; r++)
        FN(batched_swap)(here, &AT(v, r, k), &AT(v, r, i));
    }
  }
}

/* Makes positive the first of those components that are, to one part in a thousand, the largest;
 * `bad`, 0 or NaN, is added. */
INLINE void FN(batched_signs)(ag_index n, MEM lanes *v, lanes bad, ag_index stride) {
  for (ag_index j = 0; j < n; j++) {
    lanes most = SPLAT(0), sign = SPLAT(1);
    for (ag_index i = 0; i < n; i++) {
      const lanes size = SIZE(AT(v, i, j));
      most = CHOOSE(size > most, size, most);
    }
    most = most * SPLAT(0.999f);
    for (ag_index i = n; i-- > 0;) {
      const lanes x = AT(v, i, j);
      sign = CHOOSE(x >= most, SPLAT(1), CHOOSE(-x >= most, SPLAT(-1), sign));
    }
    for (ag_index i = 0; i < n; i++) AT(v, i, j) = AT(v, i, j) * sign + bad;
  }
}

INLINE void FN(batched_eigen)(ag_index n, int vectors, ag_index first, ag_index batch,
                              MEM const real *a, MEM real *x, MEM real *vector, MEM lanes *work,
                              ag_index stride) {
  MEM lanes *v = work + n * n * stride, *d = v + n * n * stride;
  lanes undo;
  FN(batched_load)(n * n, first, batch, a, work, stride);
  const lanes most = FN(batched_range)(n, work, &undo, stride), least = most * (EPSILON / 16);
  if (vectors) FN(batched_unit)(n, v, stride);
  for (int sweep = 0, any = 1; sweep < MAX_SWEEPS && any; sweep++) {
    any = 0;
    for (ag_index p = 0; p < n; p++)
      for (ag_index q = p + 1; q < n; q++)
        any |= FN(batched_jacobi)(n, p, q, least, work, v, vectors, stride);
  }
  for (ag_index i = 0; i < n; i++) d[i * stride] = AT(work, i, i) * undo + 0 * most;
  FN(batched_sort)(n, d, v, vectors, stride);
  FN(batched_store)(n, first, batch, x, d, stride);
  if (!vectors) return;
  FN(batched_signs)(n, v, 0 * most, stride);
  FN(batched_store)(n * n, first, batch, vector, v, stride);
}
#endif

/* -- kernels --------------------------------------------------------------------------------- */
#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
/* Item t of `items` per pass has LANES problems from number (pass * items + t) * LANES on, and
 * `room` vectors of `space`, with neighbours' elements side by side where a vector is one number. */
#define PROBLEMS long n, long batch, __global lanes *space, long room, long items, long pass
#define FIND_PROBLEMS                                                                              \
  const long t = get_global_id(0), first = (pass * items + t) * LANES;                             \
  const long stride = LANES > 1 ? 1 : items;                                                       \
  if (t >= items || first >= batch) return;                                                        \
  __global lanes *work = space + (LANES > 1 ? t * room : t);

#if KIND == 0 || KIND == 1
__kernel void ag_batched_solve(__global const real *a, long a_at, __global const real *b, long b_at,
                               __global real *x, long x_at, __global int *info, long info_at,
                               long k, long identity, PROBLEMS) {
  FIND_PROBLEMS
  batched_solve(n, k, identity != 0, first, batch, a + a_at, b + b_at, x + x_at, info + info_at,
                work, stride);
}
#endif

#if KIND == 0 || KIND == 2
__kernel void ag_batched_chol(__global const real *a, long a_at, __global real *x, long x_at,
                              __global int *info, long info_at, PROBLEMS) {
  FIND_PROBLEMS
  batched_chol(n, first, batch, a + a_at, x + x_at, info + info_at, work, stride);
}
#endif

#if KIND == 0 || KIND == 3
__kernel void ag_batched_det(__global const real *a, long a_at, __global real *x, long x_at,
                             PROBLEMS) {
  FIND_PROBLEMS
  batched_det(n, first, batch, a + a_at, x + x_at, work, stride);
}
#endif

#if KIND == 0 || KIND == 4
__kernel void ag_batched_eigen(__global const real *a, long a_at, __global real *x, long x_at,
                               __global real *vector, long vector_at, long vectors, PROBLEMS) {
  FIND_PROBLEMS
  batched_eigen(n, vectors != 0, first, batch, a + a_at, x + x_at, vector + vector_at, work,
                stride);
}
#endif
#endif
