/* Maxima and averages over windows of images, channels x width x height x samples, and the ways
 * back. Along each axis output o looks at places p = mul o + dil k - off, k < size, of the image,
 * as far as they are within it.
 *
 *   ag_pooling_max           y = the maximum; NaN wins
 *   ag_pooling_average       y = sum / number of places (`count_pad`: in or outside of the image)
 *   ag_pooling_max_of        y = v where x is the first maximum
 *   ag_pooling_max_back      dx = sum, over the windows of which x is the first maximum, of g
 *   ag_pooling_average_back  dx = sum, over the windows that contain it, of g / number of places
 *
 * An item computes LANES channels of one place of the result. On the way back it gathers from the
 * windows that contain its place, in their order, so sums are the same on every run. */
#ifdef AG_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef TRUTH
#define TRUTH int /* of comparisons of LANES reals: int for float, long for double */
#endif
#ifndef LANES
#define LANES 1 /* 1, 2, 4, 8, 16: a divisor of the channels; neighbours coalesce on a GPU */
#endif

typedef REAL real;
#define PASTE2(x, y) x##y
#define PASTE(x, y)  PASTE2(x, y)
#if LANES > 1
typedef PASTE(REAL, LANES) reals;
typedef PASTE(TRUTH, LANES) truths;
#define LOAD(p)     PASTE(vload, LANES)(0, p)
#define STORE(v, p) PASTE(vstore, LANES)(v, 0, p)
#else
typedef REAL reals;
typedef int truths;
#define LOAD(p)     (*(p))
#define STORE(v, p) (*(p) = (v))
#endif

/* As arguments, and as what the functions below see. */
#define WINDOW                                                                                     \
  long channels, long in0, long in1, long out0, long out1, long size0, long size1, long mul0,      \
      long mul1, long dil0, long dil1, long off0, long off1

/* The item's channels and place (x, y) in the `width` x `height` images of the result. */
#define ITEM(width, height)                                                                        \
  const long t = get_global_id(0);                                                                 \
  if (t >= items) return;                                                                          \
  const uint vectors = channels / LANES, u = t / vectors;                                          \
  const int c = t % vectors * LANES, x = u % (uint)width, y = u / (uint)width % (uint)height;      \
  const long sample = u / (uint)width / (uint)height;
#define IN_AT(px, py)  (c + channels * ((px) + in0 * ((py) + in1 * sample)))
#define OUT_AT(ox, oy) (c + channels * ((ox) + out0 * ((oy) + out1 * sample)))

/* How many places of output o's window are within the image. */
static int places(int o, int size, int mul, int dil, int off, int in) {
  int n = 0;
  for (int k = 0, p = mul * o - off; k < size; k++, p += dil) n += p >= 0 && p < in;
  return n;
}

/* Along one axis the output whose window has place p as its k-th; -1: there is none. */
static int output_of(int p, int k, int mul, int dil, int off, int out) {
  const int q = p + off - dil * k;
  return q >= 0 && q % mul == 0 && q / mul < out ? q / mul : -1;
}

#define DIVISOR(ox, oy)                                                                            \
  (real)(count_pad ? size0 * size1                                                                 \
                   : (long)places(ox, size0, mul0, dil0, off0, in0) *                              \
                         places(oy, size1, mul1, dil1, off1, in1))

/* The places of the window of (ox, oy) that are within the image, in order. */
#define EACH_PLACE(ox, oy)                                                                         \
  for (int ky = 0, py = mul1 * (oy)-off1; ky < size1; ky++, py += dil1)                            \
    for (int kx = 0, px = mul0 * (ox)-off0; kx < size0; kx++, px += dil0)                          \
      if (px >= 0 && px < in0 && py >= 0 && py < in1)

/* The windows (ox, oy) that contain place (x, y), in order. */
#define EACH_WINDOW                                                                                \
  for (int wy = size1 - 1; wy >= 0; wy--)                                                          \
    for (int oy = output_of(y, wy, mul1, dil1, off1, out1), wx = oy < 0 ? -1 : size0 - 1; wx >= 0; \
         wx--)                                                                                     \
      for (int ox = output_of(x, wx, mul0, dil0, off0, out0), once = ox >= 0; once; once = 0)

__kernel void ag_pooling_max(__global const real *in, long in_at, __global real *out, long out_at,
                             long items, long count_pad, WINDOW) {
  ITEM(out0, out1)
  reals most = -INFINITY;
  EACH_PLACE(x, y) {
    const reals v = LOAD(in + in_at + IN_AT(px, py));
    most = (v > most) | (v != v) ? v : most;
  }
  STORE(most, out + out_at + OUT_AT(x, y));
}

__kernel void ag_pooling_average(__global const real *in, long in_at, __global real *out,
                                 long out_at, long items, long count_pad, WINDOW) {
  ITEM(out0, out1)
  reals sum = 0;
  EACH_PLACE(x, y) sum += LOAD(in + in_at + IN_AT(px, py));
  STORE(sum / DIVISOR(x, y), out + out_at + OUT_AT(x, y));
}

__kernel void ag_pooling_max_of(__global const real *in, long in_at, __global const real *most,
                                long most_at, __global const real *v, long v_at, __global real *out,
                                long out_at, long items, long count_pad, WINDOW) {
  ITEM(out0, out1)
  const reals m = LOAD(most + most_at + OUT_AT(x, y));
  reals picked = 0;
  truths open = -1;
  EACH_PLACE(x, y) {
    const reals mine = LOAD(in + in_at + IN_AT(px, py));
    const truths is = (mine == m) | ((mine != mine) & (m != m));
    picked = (is & open) ? LOAD(v + v_at + IN_AT(px, py)) : picked;
    open &= ~is;
  }
  STORE(picked, out + out_at + OUT_AT(x, y));
}

__kernel void ag_pooling_max_back(__global const real *in, long in_at, __global const real *most,
                                  long most_at, __global const real *g, long g_at,
                                  __global real *out, long out_at, long items, long count_pad,
                                  WINDOW) {
  ITEM(in0, in1)
  const reals mine = LOAD(in + in_at + IN_AT(x, y));
  reals sum = 0;
  EACH_WINDOW {
    const reals m = LOAD(most + most_at + OUT_AT(ox, oy));
    truths is = (mine == m) | ((mine != mine) & (m != m));
    EACH_PLACE(ox, oy) { /* those before this one */
      if (ky > wy || (ky == wy && kx >= wx)) break;
      const reals v = LOAD(in + in_at + IN_AT(px, py));
      const truths other = (v == m) | ((v != v) & (m != m));
      is &= ~other;
    }
    sum += is ? LOAD(g + g_at + OUT_AT(ox, oy)) : (reals)(0);
  }
  STORE(sum, out + out_at + IN_AT(x, y));
}

__kernel void ag_pooling_average_back(__global const real *g, long g_at, __global real *out,
                                      long out_at, long items, long count_pad, WINDOW) {
  ITEM(in0, in1)
  reals sum = 0;
  EACH_WINDOW sum += LOAD(g + g_at + OUT_AT(ox, oy)) / DIVISOR(ox, oy);
  STORE(sum, out + out_at + IN_AT(x, y));
}
