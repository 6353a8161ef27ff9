/* The transforms of host_winograd.c for n channels, within host_micro_real.h's text: Lavin and Gray
 * (2016), Fast algorithms for convolutional neural networks, F(4 x 4, 3 x 3). */

#if defined(__clang__)
#define WINO_UNROLL _Pragma("unroll")
#else
#define WINO_UNROLL _Pragma("GCC unroll 36")
#endif
#define WINO_LOAD(p) (part ? (VEC)PART_LOAD(p, r) : GET(p))
#define WINO_STORE(p, x)                                                                           \
  do {                                                                                             \
    if (part) PART_STORE(p, r, x);                                                                 \
    else AT(p) = x;                                                                                \
  } while (0)
/* Vector by vector; the last one may not be full. */
#define WINO_CHANNELS(call_whole, call_part)                                                       \
  int64_t c = 0;                                                                                   \
  for (; c + LANES <= n; c += LANES) call_whole;                                                   \
  if (c < n) {                                                                                     \
    const int r = (int)(n - c);                                                                    \
    call_part;                                                                                     \
  }

/* Six numbers of an image, `step` apart, to B' d. */
MICRO_INLINE void FN(wino_take)(VEC *d, const int step) {
  const VEC d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
            d5 = d[5 * step];
  const VEC even = d4 - 4 * d2, odd = d3 - 4 * d1, close = d4 - d2, far = 2 * (d3 - d1);
  d[0] = 4 * d0 - 5 * d2 + d4;
  d[step] = even + odd;
  d[2 * step] = even - odd;
  d[3 * step] = close + far;
  d[4 * step] = close - far;
  d[5 * step] = 4 * d1 - 5 * d3 + d5;
}

/* Four numbers of a result's gradient, from d[0] on, to the six A d. */
MICRO_INLINE void FN(wino_back)(VEC *d, const int step) {
  const VEC d0 = d[0], d3 = d[3 * step], even = d0 + d[2 * step], odd = d[step] + d3,
            far = d0 + 4 * d[2 * step], past = 2 * d[step] + 8 * d3;
  d[step] = even + odd;
  d[2 * step] = even - odd;
  d[3 * step] = far + past;
  d[4 * step] = far - past;
  d[5 * step] = d3;
}

/* Six products, `step` apart, to the four results A' m. */
MICRO_INLINE void FN(wino_give)(const VEC *m, const int step, VEC y[4]) {
  const VEC close = m[step] + m[2 * step], over = m[step] - m[2 * step],
            far = m[3 * step] + m[4 * step], past = m[3 * step] - m[4 * step];
  y[0] = m[0] + close + far;
  y[1] = over + 2 * past;
  y[2] = close + 4 * far;
  y[3] = over + 8 * past + m[5 * step];
}

MICRO_INLINE void FN(wino_in_lanes)(const int part, int r, const REAL *const *x, int64_t c, REAL *v,
                                    int64_t step) {
  VEC d[36];
  WINO_UNROLL
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) d[6 * i + j] = WINO_LOAD(x[6 * i + j] + c);
    FN(wino_take)(d + 6 * i, 1);
  }
  WINO_UNROLL
  for (int j = 0; j < 6; j++) FN(wino_take)(d + j, 6);
  WINO_UNROLL
  for (int i = 0; i < 36; i++) WINO_STORE(v + i * step + c, d[i]);
}

/* Of the 6 x 6 pixels x, in place f = 6 row + column to v + f step. */
static void FN(winograd_in)(int64_t n, const REAL *const *x, REAL *v,
                            int64_t step){WINO_CHANNELS(FN(wino_in_lanes)(0, LANES, x, c, v, step),
                                                        FN(wino_in_lanes)(1, r, x, c, v, step))}

MICRO_INLINE void FN(wino_back_lanes)(const int part, int r, const REAL *const *y, int64_t c,
                                      REAL *v, int64_t step) {
  VEC d[36];
  WINO_UNROLL
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) d[6 * i + j] = WINO_LOAD(y[4 * i + j] + c);
    FN(wino_back)(d + 6 * i, 1);
  }
  WINO_UNROLL
  for (int j = 0; j < 6; j++) FN(wino_back)(d + j, 6);
  WINO_UNROLL
  for (int i = 0; i < 36; i++) WINO_STORE(v + i * step + c, d[i]);
}

/* Of the 4 x 4 pixels y of a result's gradient. */
static void FN(winograd_back)(int64_t n, const REAL *const *y, REAL *v, int64_t step){
    WINO_CHANNELS(FN(wino_back_lanes)(0, LANES, y, c, v, step),
                  FN(wino_back_lanes)(1, r, y, c, v, step))}

MICRO_INLINE void FN(wino_out_lanes)(const int part, int r, const REAL *m, int64_t step,
                                     REAL *const *y, int64_t c) {
  VEC d[36], t[24], out[4];
  WINO_UNROLL
  for (int i = 0; i < 36; i++) d[i] = WINO_LOAD(m + i * step + c);
  WINO_UNROLL
  for (int j = 0; j < 6; j++) {
    FN(wino_give)(d + j, 6, out);
    for (int i = 0; i < 4; i++) t[6 * i + j] = out[i];
  }
  WINO_UNROLL
  for (int i = 0; i < 4; i++) {
    FN(wino_give)(t + 6 * i, 1, out);
    for (int j = 0; j < 4; j++)
      if (y[4 * i + j]) WINO_STORE(y[4 * i + j] + c, out[j]);
  }
}

/* Of the 36 products to the 4 x 4 pixels y, but for those that are NULL. */
static void FN(winograd_out)(int64_t n, const REAL *m, int64_t step, REAL *const *y) {
  WINO_CHANNELS(FN(wino_out_lanes)(0, LANES, m, step, y, c),
                FN(wino_out_lanes)(1, r, m, step, y, c))
}

#undef WINO_LOAD
#undef WINO_STORE
#undef WINO_CHANNELS
