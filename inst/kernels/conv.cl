/* Convolutions of images, channels x width x height x samples, in `groups` of `in` and `out`
 * channels, and their gradients by the weight; conv.h has the formulas. Along each axis output o
 * and place k of its window read position (mul o + dil k - off) / div, if that is a whole number
 * within the image.
 *
 *   KIND  kernel                  for
 *   1     ag_conv_simple          anything; an item per element of the result, or per LANES
 *                                 channels where each of them is a group of its own
 *   2     ag_conv_weight_simple   the same of the weight's gradient
 *   3     ag_conv_tiles           CPU: registers hold a tile of ROWS channels x COLUMNS pixels
 *   4     ag_conv_weight_tiles    CPU: a tile of ROWS channels out x COLUMNS channels in
 *   0     all of them, to compile this file alone. For GPUs: conv_gpu.cl, behind this file
 *
 * Where div is not 1, the outputs r, r + div, ... of an axis (phase r) look at the same places of
 * the window, which follow each other with a step: a convolution with div 1. So there is a pass for
 * each pair of phases, and no kernel looks for whole numbers. The weight's gradient has div 1: else
 * images and gradients trade places.
 *
 * What becomes of an element is up to the epilogue, as in matmul.cl. Of a weight's gradient the
 * kernels leave sums over parts of the pixels in result[part * count + ...]; ag_conv_sum adds them
 * up, always in this order. */
#ifdef AG_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#ifndef KIND
#define KIND 0
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef PHASES
#define PHASES 1 /* 0: there is one pass, div is 1 */
#endif
#ifndef LANES
#define LANES 4 /* of a vector of channels; 1: there are none */
#endif
#ifndef WIDE
#define WIDE 16 /* lanes of the device's vectors */
#endif
#ifndef PANEL
#define PANEL 2 /* vectors in a column of a tile */
#endif
#ifndef COLUMNS
#define COLUMNS 12 /* of a tile: PANEL * COLUMNS registers hold it */
#endif
#ifndef DEPTH
#define DEPTH 512 /* terms of a sum that are copied at once (tiles) */
#endif

typedef REAL real;
#define PASTE2(x, y) x##y
#define PASTE(x, y)  PASTE2(x, y)
#if LANES > 1
typedef PASTE(REAL, LANES) reals;
#define LOAD(p)     PASTE(vload, LANES)(0, p)
#define STORE(v, p) PASTE(vstore, LANES)(v, 0, p)
#define AG_STORE    ag_store_lanes
#else
typedef REAL reals;
#define LOAD(p)     (*(p))
#define STORE(v, p) (*(p) = (v))
#define AG_STORE    ag_store
#endif

#ifndef AG_STORE_PARAMS
#define AG_STORE_PARAMS __global real *to
#define AG_STORE_ARGS   to
static void ag_store(long i, long j, long m, real acc, AG_STORE_PARAMS) { to[i + j * m] = acc; }
#if LANES > 1
static void ag_store_lanes(long i, long j, long m, reals acc, AG_STORE_PARAMS) {
  STORE(acc, to + i + j * m);
}
#endif
#endif

#define WINDOW                                                                                     \
  long in0, long in1, long out0, long out1, long size0, long size1, long mul0, long mul1,          \
      long dil0, long dil1, long off0, long off1, long div0, long div1, long samples, long in,     \
      long out, long groups, long pass

/* Phase r of an axis: output j of `out` is number r + div j, place i of n is number first + step i,
 * and they read position mul j + at + by i. */
typedef struct {
  int out, n, first, step, at, by;
} axis;

static axis axis_of(int r, int size, int mul, int dil, int off, int div, int out) {
  axis a = {0, 0, 0, 1, 0, 0};
  a.out = out > r ? (out - r + div - 1) / div : 0;
  while (a.step * dil % div) a.step++;
  while (a.first < size && (mul * r + dil * a.first - off) % div) a.first++;
  a.n = (size - a.first + a.step - 1) / a.step;
  a.at = (mul * r + dil * a.first - off) / div;
  a.by = dil * a.step / div;
  return a;
}
#if PHASES
#define AXES                                                                                       \
  const axis ax = axis_of((int)pass % (int)div0, size0, mul0, dil0, off0, div0, out0),             \
             ay = axis_of((int)pass / (int)div0, size1, mul1, dil1, off1, div1, out1);
#else
#define AXES                                                                                       \
  const axis ax = {out0, size0, 0, 1, -off0, dil0}, ay = {out1, size1, 0, 1, -off1, dil1};
#endif
#define PIXELS ((long)ax.out * ay.out * samples)

/* Pixel j of the phases, and its number in the result. */
#define PLACE(j)                                                                                   \
  const int jx = (uint)(j) % (uint)ax.out, jy = (uint)(j) / (uint)ax.out % (uint)ay.out;           \
  const long n = (uint)(j) / (uint)ax.out / (uint)ay.out;
#if PHASES
#define NUMBER(j) ((n * out1 + pass / div0 + div1 * jy) * out0 + pass % div0 + div0 * jx)
#else
#define NUMBER(j) (j)
#endif

#define INSIDE(p, extent) ((uint)(p) < (uint)(extent))

/* The weight's element o of group g, c, at place (kx, ky) of the window:
 * w[w_at + o w_out + g w_group + c w_in + kx w_k0 + ky w_k1] */
#define WEIGHT                                                                                     \
  __global const real *w, long w_at, long w_out, long w_group, long w_in, long w_k0, long w_k1

#if KIND == 0 || KIND == 1
__kernel void ag_conv_simple(AG_STORE_PARAMS, WEIGHT, __global const real *x, long x_at, WINDOW) {
  AXES
  const long t = get_global_id(0), vectors = out * groups / LANES, o = t % vectors * LANES,
             j = t / vectors, g = o / out;
  if (j >= PIXELS) return;
  PLACE(j)
  reals acc = 0;
  w += w_at + g * w_group + (o - g * out) * w_out;
  x += x_at + g * in;
  for (int iy = 0; iy < ay.n; iy++)
    for (int ix = 0; ix < ax.n; ix++) {
      const int px = mul0 * jx + ax.at + ax.by * ix, py = mul1 * jy + ay.at + ay.by * iy;
      if (!INSIDE(px, in0) || !INSIDE(py, in1)) continue;
      __global const real *from = x + ((n * in1 + py) * in0 + px) * in * groups;
      __global const real *by = w + (ax.first + ax.step * ix) * w_k0 +
                                (ay.first + ay.step * iy) * w_k1;
      for (int c = 0; c < in; c++) acc += LOAD(by + c * w_in) * LOAD(from + c);
    }
  AG_STORE(o, NUMBER(j), out * groups, acc, AG_STORE_ARGS);
}
#endif

/* packed[((g * panels + p) * K + l) * rows + r] is the weight of channel p * rows + r of group g, 0
 * beyond the last, and term l = (iy * ax.n + ix) * in + c of K. An item: `run` of the rows. */
__kernel void ag_conv_pack(WEIGHT, __global real *packed, long panels, long rows, long run,
                           WINDOW) {
  AXES
  const long K = (long)in * ax.n * ay.n, t = get_global_id(0), runs = rows / run;
  if (t >= runs * K * panels * groups) return;
  const long l = t / runs % K, p = t / runs / K % panels, g = t / runs / K / panels;
  const uint tap = (uint)l / (uint)in, c = (uint)l % (uint)in;
  const long first = t % runs * run, left = out - p * rows;
  w += w_at + g * w_group + p * rows * w_out + c * w_in +
       (ax.first + ax.step * (tap % ax.n)) * w_k0 + (ay.first + ay.step * (tap / ax.n)) * w_k1;
  packed += ((g * panels + p) * K + l) * rows;
  for (long r = first; r < first + run; r++) packed[r] = r < left ? w[r * w_out] : 0;
}

__kernel void ag_conv_sum(__global real *result, long result_at, __global const real *partial,
                          long count, long parts) {
  const long t = get_global_id(0);
  if (t >= count) return;
  real sum = partial[t];
  for (long p = 1; p < parts; p++) sum += partial[t + p * count];
  result[result_at + t] = sum;
}

#define ROWS (PANEL * LANES)

#if KIND == 0 || KIND == 3
#define STRIDE (DEPTH + WIDE) /* not a power of 2: columns are in different sets of the cache */
static void copy_run(real *to, __global const real *from, int n) {
  int c = 0;
  for (; c + WIDE <= n; c += WIDE)
    PASTE(vstore, WIDE)(PASTE(vload, WIDE)(0, from + c), 0, to + c);
  for (; c < n; c++) to[c] = from[c];
}
static void clear_run(real *to, int n) {
  int c = 0;
  for (; c + WIDE <= n; c += WIDE) PASTE(vstore, WIDE)((PASTE(REAL, WIDE))(0), 0, to + c);
  for (; c < n; c++) to[c] = 0;
}
/* Copies terms [start, end) of the sums for COLUMNS pixels to patch[s * STRIDE], zeros where there
 * is nothing to read. What a window reads in a row of the image is one run, if it has no gaps. */
static void copy_patch(real *patch, __global const real *x, long start, long end, axis ax, axis ay,
                       const int *x0, const int *y0, const long *row0, int in0, int in1, int in,
                       long pitch) {
  const int places = ax.by == 1 && pitch == in ? ax.n : 1, across = ax.n / places,
            width = places * in;
  for (int l = start; l < end;) {
    const int run = l / width, c = l - run * width, many = min(width - c, (int)end - l);
    const int dx = ax.by * (run % across), dy = ay.by * (run / across);
    for (int s = 0; s < COLUMNS; s++) {
      const int px = x0[s] + dx, py = y0[s] + dy;
      const int to = INSIDE(py, in1) ? min(places, in0 - px) * in : 0;
      const int first = clamp(max(0, -px) * in - c, 0, many), last = clamp(to - c, first, many);
      real *p = patch + s * STRIDE + l - start;
      clear_run(p, first);
      copy_run(p + first, x + ((row0[s] + py) * in0 + px) * pitch + c + first, last - first);
      clear_run(p + last, many - last);
    }
    l += many;
  }
}

/* One item: a tile of COLUMNS pixels and `per_item` panels of a group, of `parts` such lots. */
__kernel void ag_conv_tiles(AG_STORE_PARAMS, __global const real *packed, __global const real *x,
                            long x_at, long panels, long per_item, long parts, WINDOW) {
  AXES
  const long pixels = PIXELS, tiles = (pixels + COLUMNS - 1) / COLUMNS, K = (long)in * ax.n * ay.n;
  const long t = get_global_id(0);
  if (t >= tiles * parts * groups) return;
  const long first = t / tiles % parts * per_item, g = t / tiles / parts, j0 = t % tiles * COLUMNS;
  int x0[COLUMNS], y0[COLUMNS];
  long row0[COLUMNS], pixel[COLUMNS];
  for (int s = 0; s < COLUMNS; s++) {
    const long j = min(j0 + s, pixels - 1);
    PLACE(j)
    x0[s] = mul0 * jx + ax.at, y0[s] = mul1 * jy + ay.at, row0[s] = n * in1, pixel[s] = NUMBER(j);
  }
  real patch[COLUMNS * STRIDE];
  for (long p = first; p < min(first + per_item, panels); p++) {
    __global const real *pa = packed + (g * panels + p) * K * ROWS;
    reals acc[COLUMNS][PANEL];
#pragma unroll
    for (int s = 0; s < COLUMNS; s++)
#pragma unroll
      for (int v = 0; v < PANEL; v++) acc[s][v] = 0;
    for (long start = 0; start < K; start += DEPTH) {
      const int depth = min(K - start, (long)DEPTH);
      if (p == first || K > DEPTH)
        copy_patch(patch, x + x_at + g * in, start, start + depth, ax, ay, x0, y0, row0, in0, in1,
                   in, in * groups);
      for (int l = 0; l < depth; l++, pa += ROWS) {
        reals a[PANEL];
#pragma unroll
        for (int v = 0; v < PANEL; v++) a[v] = LOAD(pa + v * LANES);
#pragma unroll
        for (int s = 0; s < COLUMNS; s++) {
          const reals b = patch[s * STRIDE + l];
#pragma unroll
          for (int v = 0; v < PANEL; v++) acc[s][v] += a[v] * b;
        }
      }
    }
    /* through memory, so that the loop below, with the epilogue in it, stands there once */
    real tile[COLUMNS * ROWS];
#pragma unroll
    for (int s = 0; s < COLUMNS; s++)
#pragma unroll
      for (int v = 0; v < PANEL; v++) STORE(acc[s][v], tile + s * ROWS + v * LANES);
    for (int e = 0; e < COLUMNS * PANEL; e++) {
      const long s = e / PANEL, row = p * ROWS + e % PANEL * LANES;
      if (j0 + s >= pixels) break;
      if (row + LANES <= out)
        AG_STORE(g * out + row, pixel[s], out * groups, LOAD(tile + e * LANES), AG_STORE_ARGS);
      else
        for (long r = row; r < out; r++)
          ag_store(g * out + r, pixel[s], out * groups, tile[e * LANES + r - row], AG_STORE_ARGS);
    }
  }
}
#endif

/* The weight's gradient: element (o, c, tap) of group g is the sum over the pixels of y[o] x[c],
 * and goes to result[... + g * by_group + o * by_out + c * by_in + tap * by_tap]. A part has `per`
 * rows of pixels. */
#define RESULT                                                                                     \
  __global real *result, long result_at, long count, long per, long by_group, long by_out,         \
      long by_in, long by_tap
#define GRADIENT __global const real *y, long y_at, __global const real *x, long x_at

/* Outputs [start, end) of a row read positions ix + mul j within an image of `in`. */
#define BOUNDS(ix)                                                                                 \
  const int start = (ix) >= 0 ? 0 : (-(ix) + mul0 - 1) / mul0,                                     \
            end = min((int)out0, ((int)in0 - (ix) + (int)mul0 - 1) / (int)mul0);

#if KIND == 0 || KIND == 2
__kernel void ag_conv_weight_simple(RESULT, GRADIENT, WINDOW) {
  const long t = get_global_id(0), vectors = out * groups / LANES, o = t % vectors * LANES,
             c = t / vectors % in, tap = t / vectors / in % (size0 * size1),
             part = t / vectors / in / (size0 * size1), g = o / out;
  const long first = part * per, last = min(first + per, out1 * samples);
  if (first > 0 && first >= last) return;
  const int ix = tap % size0 * dil0 - off0, iy = tap / size0 * dil1 - off1;
  BOUNDS(ix)
  reals acc = 0;
  for (long row = first; row < last; row++) {
    const int py = mul1 * (row % out1) + iy;
    if (!INSIDE(py, in1)) continue;
    __global const real *from = x + x_at + g * in + c +
                                ((row / out1 * in1 + py) * in0 + ix) * in * groups;
    __global const real *by = y + y_at + o + row * out0 * out * groups;
    for (int j = start; j < end; j++)
      acc += LOAD(by + j * out * groups) * LOAD(from + j * mul0 * in * groups);
  }
  STORE(acc, result + result_at + part * count + g * by_group + (o - g * out) * by_out +
                 c * by_in + tap * by_tap);
}
#endif

#if KIND == 0 || KIND == 4
/* One item: a tile of ROWS channels out x COLUMNS channels in, at one place of the window. There
 * are at least as many of both; the last tile goes back over the one before it. Tiles of a part
 * follow each other, as they read the same images. */
__kernel void ag_conv_weight_tiles(RESULT, GRADIENT, WINDOW) {
  const long tiles_o = (out + ROWS - 1) / ROWS, tiles_c = (in + COLUMNS - 1) / COLUMNS,
             taps = size0 * size1, t = get_global_id(0), tile = t / tiles_o;
  const long o = min(t % tiles_o * ROWS, out - ROWS),
             c = min(tile % tiles_c * COLUMNS, in - COLUMNS), tap = tile / tiles_c % taps,
             g = tile / tiles_c / taps % groups, part = tile / tiles_c / taps / groups;
  const long first = part * per, last = min(first + per, out1 * samples);
  if (first > 0 && first >= last) return;
  const int ix = tap % size0 * dil0 - off0, iy = tap / size0 * dil1 - off1;
  BOUNDS(ix)
  const long pitch_x = mul0 * in * groups, pitch_y = out * groups;
  reals acc[COLUMNS][PANEL];
#pragma unroll
  for (int s = 0; s < COLUMNS; s++)
#pragma unroll
    for (int v = 0; v < PANEL; v++) acc[s][v] = 0;
  for (long row = first; row < last; row++) {
    const int py = mul1 * (row % out1) + iy;
    if (!INSIDE(py, in1)) continue;
    __global const real *from = x + x_at + g * in + c + start * pitch_x +
                                ((row / out1 * in1 + py) * in0 + ix) * in * groups;
    __global const real *by = y + y_at + g * out + o + (row * out0 + start) * pitch_y;
    for (int j = start; j < end; j++, from += pitch_x, by += pitch_y) {
      reals a[PANEL];
#pragma unroll
      for (int v = 0; v < PANEL; v++) a[v] = LOAD(by + v * LANES);
#pragma unroll
      for (int s = 0; s < COLUMNS; s++) {
        const reals b = from[s];
#pragma unroll
        for (int v = 0; v < PANEL; v++) acc[s][v] += a[v] * b;
      }
    }
  }
  real found[COLUMNS * ROWS];
#pragma unroll
  for (int s = 0; s < COLUMNS; s++)
#pragma unroll
    for (int v = 0; v < PANEL; v++) STORE(acc[s][v], found + s * ROWS + v * LANES);
  result += result_at + part * count + g * by_group + tap * by_tap;
  for (int s = 0; s < COLUMNS; s++)
    for (int r = 0; r < ROWS; r++)
      result[(o + r) * by_out + (c + s) * by_in] = found[s * ROWS + r];
}
#endif
