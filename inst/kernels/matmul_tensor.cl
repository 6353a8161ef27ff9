/* Matrix products on the tensor cores of NVIDIA GPUs of compute capability 8 and more: operands
 * rounded to tf32 or bf16, sums in float32. C[i, j] = sum over l of A(i, l) B(l, j) with the
 * operands and the epilogue of matmul.cl.
 *
 *   ag_tensor_pack     rounds an operand: row r of it (a row of A, a column of B) becomes a line of
 *                      `line` chunks, of 16 bytes each; what is missing to whole tiles is zero
 *   ag_matmul_tensor   C from two packed operands
 *
 * The instructions stand behind the macros AG_LDMATRIX, AG_MMA, AG_CP_ASYNC, AG_CP_COMMIT,
 * AG_CP_WAIT. With PTX 0 they are plain OpenCL C in which the items of a warp meet in local memory,
 * so that fragments, indices and waits can be tested on any device. Fragments and the order of
 * ldmatrix's addresses: PTX ISA, "Warp-level matrix instructions", m16n8k8 of tf32 and m16n8k16 of
 * bf16. Both take 32 bytes of a row at a time, and so differ here in one line only. */
#ifndef PTX
#define PTX 0
#endif
#ifndef BF16
#define BF16 0 /* 1: bf16, 0: tf32 */
#endif
#ifndef TILE_M
#define TILE_M 64 /* rows of C per work-group */
#endif
#ifndef TILE_N
#define TILE_N 64 /* columns */
#endif
#ifndef WARP_M
#define WARP_M 32 /* rows of C per warp; a multiple of 16 */
#endif
#ifndef WARP_N
#define WARP_N 32 /* columns; a multiple of 16 */
#endif
#ifndef STAGES
#define STAGES 3 /* steps in local memory: one is computed while the others are on their way */
#endif
#ifndef ONCE
#define ONCE 0 /* 1: the epilogue is long, it stands there once, not unrolled */
#endif

#ifndef AG_STORE_PARAMS
#define AG_STORE_PARAMS __global float *c
#define AG_STORE_ARGS   c
static void ag_store(long i, long j, long m, float acc, AG_STORE_PARAMS) { c[i + j * m] = acc; }
#endif

/* -- packing --------------------------------------------------------------------------------- */
#if BF16
typedef ushort packed;
/* To the nearest, ties to even; NaN stays NaN. */
static packed round_to(float x) {
  const uint bits = as_uint(x);
  if (x != x) return (packed)(bits >> 16 | 0x40);
  return (packed)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
#else
typedef uint packed;
/* To the nearest, ties away from zero, as cvt.rna does; NaN stays NaN. */
static packed round_to(float x) {
  const uint bits = as_uint(x);
  return x != x ? (bits | 0x400000) & ~0x1FFFu : (bits + 0x1000) & ~0x1FFFu;
}
#endif
#define PER_CHUNK (16 / (int)sizeof(packed))

/* One work-group of 256 items: 32 x 32 elements, read and written so that neighbours are. */
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void
ag_tensor_pack(__global const float *x, long x_at, long x_row, long x_col, long rows, long k,
               long by_rows, long line, long strips, __global packed *to) {
  __local float tile[32][33];
  const int me = get_local_id(0), low = me % 32, high = me / 32;
  const long g = get_group_id(0), r0 = g / strips * 32, l0 = g % strips * 32;
  for (int s = high; s < 32; s += 8) {
    const int r = by_rows ? low : s, d = by_rows ? s : low;
    const int there = r0 + r < rows && l0 + d < k;
    tile[r][d] = there ? x[x_at + (r0 + r) * x_row + (l0 + d) * x_col] : 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int s = high; s < 32; s += 8)
    to[(r0 + s) * line * PER_CHUNK + l0 + low] = round_to(tile[s][low]);
}

/* -- the instructions ------------------------------------------------------------------------ */
#define WARPS_M (TILE_M / WARP_M)
#define ITEMS   (TILE_M / WARP_M * (TILE_N / WARP_N) * 32)
#define COPIES  ((TILE_M + TILE_N) * 4 / ITEMS) /* chunks that an item copies per step */
typedef uint4 chunk;

#if PTX
#ifndef AG_ASM
#define AG_ASM asm volatile /* other compilers know it as __asm__ */
#endif
#define UNROLL _Pragma("unroll")
#define AG_WARP_STATE
/* Four 8 x 16-byte matrices; `row` is the address of one row, lane 8 q + i's of row i of matrix q.
 */
#define AG_LDMATRIX(x, row)                                                                        \
  AG_ASM("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"                     \
               : "=r"((x)[0]), "=r"((x)[1]), "=r"((x)[2]), "=r"((x)[3])                            \
               : "l"(row)                                                                          \
               : "memory")
#if BF16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#endif
/* d += a b */
#define AG_MMA(d, a, b)                                                                            \
  AG_ASM(MMA " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                        \
               : "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3])                            \
               : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]))
#define AG_CP_ASYNC(to, from)                                                                      \
  AG_ASM("cp.async.cg.shared.global [%0], [%1], 16;" ::"l"(to), "l"(from) : "memory")
#define AG_CP_COMMIT() AG_ASM("cp.async.commit_group;" ::: "memory")
#define TEXT2(x)       #x
#define TEXT(x)        TEXT2(x)
/* Waits for all groups but the latest n, a literal. */
#define AG_CP_WAIT(n) AG_ASM("cp.async.wait_group " TEXT(n) ";" ::: "memory")
#else
#define UNROLL
/* What the items of a warp show each other; copies that were begun, by group, in a ring. A copy
 * takes place when it is waited for, and not before. */
#define AG_WARP_STATE                                                                              \
  __local uint ag_shown[ITEMS][6];                                                                 \
  __local uint ag_rows[ITEMS];                                                                     \
  __local chunk *ag_to[STAGES * COPIES];                                                           \
  __global const chunk *ag_from[STAGES * COPIES];                                                  \
  int ag_count[STAGES], ag_begun = 0, ag_group = 0, ag_done = 0;
#define LANE (me % 32)
#define AG_LDMATRIX(x, row)                                                                        \
  do {                                                                                             \
    ag_rows[me] = (uint)((__local const char *)(row) - (__local const char *)tiles);               \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    for (int q = 0; q < 4; q++)                                                                    \
      (x)[q] = *(__local const uint *)((__local const char *)tiles +                               \
                                       ag_rows[me - LANE + 8 * q + LANE / 4] + LANE % 4 * 4);      \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
  } while (0)
#if BF16
#define TERMS 16
#define PART(word, l) as_float((l) % 2 ? (word) & 0xFFFF0000 : (word) << 16)
#else
#define TERMS 8
#define PART(word, l) as_float((word) & 0xFFFFE000)
#endif
#define PER_WORD (TERMS / 8)
/* Term l of row r of A: register r / 8 + 2 (l / (TERMS / 2)) of lane 4 (r % 8) + the word's number;
 * of column s of B: register l / (TERMS / 2) of lane 4 s + the same. */
static float ag_dot(__local uint (*shown)[6], int r, int s) {
  float sum = 0;
  for (int l = 0; l < TERMS; l++) {
    const int half_ = l / (TERMS / 2), word = l % (TERMS / 2) / PER_WORD;
    sum += PART(shown[4 * (r % 8) + word][r / 8 + 2 * half_], l) *
           PART(shown[4 * s + word][4 + half_], l);
  }
  return sum;
}
#define AG_MMA(d, a, b)                                                                            \
  do {                                                                                             \
    for (int q = 0; q < 4; q++) ag_shown[me][q] = (a)[q];                                          \
    ag_shown[me][4] = (b)[0], ag_shown[me][5] = (b)[1];                                            \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    for (int q = 0; q < 4; q++)                                                                    \
      (d)[q] += ag_dot(ag_shown + me - LANE, LANE / 4 + q / 2 * 8, LANE % 4 * 2 + q % 2);          \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
  } while (0)
#define AG_CP_ASYNC(to, from)                                                                      \
  (ag_to[ag_group % STAGES * COPIES + ag_begun] = (to),                                            \
   ag_from[ag_group % STAGES * COPIES + ag_begun++] = (from))
#define AG_CP_COMMIT() (ag_count[ag_group++ % STAGES] = ag_begun, ag_begun = 0)
#define AG_CP_WAIT(n)                                                                              \
  for (; ag_done < ag_group - (n); ag_done++)                                                      \
    for (int q = 0; q < ag_count[ag_done % STAGES]; q++)                                           \
      *ag_to[ag_done % STAGES * COPIES + q] = *ag_from[ag_done % STAGES * COPIES + q];
#endif

#if STAGES == 2
#define MAY_WAIT 0
#elif STAGES == 3
#define MAY_WAIT 1
#else
#define MAY_WAIT 2 /* 4 stages */
#endif

/* -- the product ----------------------------------------------------------------------------- */
/* A step in local memory: TILE_M rows of A, TILE_N columns of B, 4 chunks of each. Chunk q of row r
 * stands at place q ^ (r / 2 % 4) of the row: the 8 rows that ldmatrix reads at a time then lie in
 * different banks. */
#define STEP       ((TILE_M + TILE_N) * 4)
#define PLACE(r, q) ((r) * 4 + ((q) ^ ((r) >> 1 & 3)))

/* Strips of 8 columns of tiles: groups that run together share operands. */
static void ag_tensor_tile(long g, long rows, long columns, long *ti, long *tj) {
  const long strip = g / (8 * rows), inside = g % (8 * rows), width = min(8L, columns - strip * 8);
  *tj = strip * 8 + inside % width;
  *ti = inside / width;
}

/* Begins to copy step `step` to its stage. */
#define BEGIN_STEP(step)                                                                           \
  do {                                                                                             \
    if ((step) < steps) {                                                                          \
      UNROLL for (int q = 0; q < COPIES; q++) {                                                    \
        const int e = me + q * ITEMS, r = e / 4;                                                   \
        __global const chunk *from = r < TILE_M ? a + r * line : b + (r - TILE_M) * line;          \
        AG_CP_ASYNC(tiles + (step) % STAGES * STEP + PLACE(r, e % 4), from + (step)*4 + e % 4);    \
      }                                                                                            \
    }                                                                                              \
    AG_CP_COMMIT();                                                                                \
  } while (0)

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
ag_matmul_tensor(AG_STORE_PARAMS, __global const chunk *a, __global const chunk *b, long m, long n,
                 long line, long tiles_m, long tiles_n) {
  __local chunk tiles[STAGES * STEP] __attribute__((aligned(128)));
  AG_WARP_STATE
  const int me = get_local_id(0), lane = me % 32, warp = me / 32;
  const int warp_i = warp % WARPS_M * WARP_M, warp_j = warp / WARPS_M * WARP_N;
  const int steps = (int)(line / 4);
  long ti, tj;
  ag_tensor_tile(get_group_id(0), tiles_m, tiles_n, &ti, &tj);
  a += ti * TILE_M * line;
  b += tj * TILE_N * line;
  float acc[WARP_M / 16][WARP_N / 8][4];
  UNROLL for (int u = 0; u < WARP_M / 16; u++)
    UNROLL for (int v = 0; v < WARP_N / 8; v++)
      UNROLL for (int q = 0; q < 4; q++) acc[u][v][q] = 0;
  UNROLL for (int s = 0; s < STAGES - 1; s++) BEGIN_STEP(s);
  /* a lane's row of the matrices that it loads: of A rows 0-15, then the second chunk of them; of B
   * columns 0-7, both chunks, then columns 8-15 */
  const int row_a = warp_i + lane % 16, half_a = lane / 16;
  const int row_b = TILE_M + warp_j + lane % 8 + lane / 16 * 8, half_b = lane / 8 % 2;
  for (int step = 0; step < steps; step++) {
    AG_CP_WAIT(MAY_WAIT);
    barrier(CLK_LOCAL_MEM_FENCE); /* all have this step, and are done with the one before */
    BEGIN_STEP(step + STAGES - 1);
    __local const chunk *now = tiles + step % STAGES * STEP;
    UNROLL for (int half_ = 0; half_ < 2; half_++) {
      uint x[WARP_M / 16][4], y[WARP_N / 16][4];
      UNROLL for (int u = 0; u < WARP_M / 16; u++)
        AG_LDMATRIX(x[u], now + PLACE(row_a + u * 16, half_ * 2 + half_a));
      UNROLL for (int v = 0; v < WARP_N / 16; v++)
        AG_LDMATRIX(y[v], now + PLACE(row_b + v * 16, half_ * 2 + half_b));
      UNROLL for (int u = 0; u < WARP_M / 16; u++)
        UNROLL for (int v = 0; v < WARP_N / 8; v++) AG_MMA(acc[u][v], x[u], y[v / 2] + v % 2 * 2);
    }
  }
  const long i = ti * TILE_M + warp_i + lane / 4, j = tj * TILE_N + warp_j + lane % 4 * 2;
#if ONCE || !PTX
  float mine[WARP_M * WARP_N / 32];
  UNROLL for (int u = 0; u < WARP_M / 16; u++)
    UNROLL for (int v = 0; v < WARP_N / 8; v++)
      UNROLL for (int q = 0; q < 4; q++) mine[(u * (WARP_N / 8) + v) * 4 + q] = acc[u][v][q];
#pragma unroll 1
  for (int e = 0; e < WARP_M * WARP_N / 32; e++) {
    const int q = e % 4, v = e / 4 % (WARP_N / 8), u = e / 4 / (WARP_N / 8);
    const long row = i + u * 16 + q / 2 * 8, column = j + v * 8 + q % 2;
    if (row < m && column < n) ag_store(row, column, m, mine[e], AG_STORE_ARGS);
  }
#else
  UNROLL for (int u = 0; u < WARP_M / 16; u++)
    UNROLL for (int v = 0; v < WARP_N / 8; v++)
      UNROLL for (int q = 0; q < 4; q++) {
        const long row = i + u * 16 + q / 2 * 8, column = j + v * 8 + q % 2;
        if (row < m && column < n) ag_store(row, column, m, acc[u][v][q], AG_STORE_ARGS);
      }
#endif
}
