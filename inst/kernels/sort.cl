/* Sorting: the order of keys, and what is made of it.
 *
 * ag_sort_count, ag_sort_scan, ag_sort_scatter: one pass of a stable radix sort by 4 bits, from the
 * lowest up. Before the first pass rows are 1, 2, ... (or `from`) with the source's keys; after it
 * keys and rows are in `a`, then in `b`, and so on; the last pass writes rows (or the source's
 * elements at them) to `out`.
 *
 *   Work-group g has the tiles per * g ... per * g + per - 1 of TILE elements each.
 *   count     hist[d * groups + g] = elements of group g with digit d
 *   scan      hist becomes the sum of all entries before: where group g's first one of digit d goes
 *   scatter   a tile is put in order of its digits in local memory, so that elements of one digit
 *             leave side by side
 *
 * ag_sort_take      the keys in a given order
 * ag_sort_rank      out[order[i] - 1] from place i and its run of equal keys
 * ag_sort_search    how many of a sorted table are up to (LEFT: below) a key
 * ag_sort_tabulate  how many keys are 1, 2, ..., m
 *
 * A key is the bits of a number, as an unsigned integer that sorts as the number does; 0 or all
 * ones stand for NA. Numbers are never computed with, so float64 needs no fp64 here. */
#ifndef KIND
#define KIND 0 /* of the keys: 0 float32, 1 float64, 2 int32, 3 logical */
#endif
#ifndef GROUP
#define GROUP 128 /* items of a work-group */
#endif
#ifdef AG_FP64 /* real: of average ranks */
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define real double
#else
#define real float
#endif
#define EACH 8 /* elements of an item in a tile */
#define TILE (GROUP * EACH)
#define SCAN 256 /* items of the only work-group of a scan */

#if KIND == 1
#define word     ulong
#define TOP      0x8000000000000000UL
#define INF_BITS 0x7FF0000000000000UL
#else
#define word     uint
#define TOP      0x80000000U
#define INF_BITS 0x7F800000U
#endif
#define ONES   (~(word)0)
#define NA_INT (-2147483647 - 1)

#define DECREASING 1
#define NA_FIRST   2
#define APART      4 /* NaN comes between the numbers and NA */
#define FROM       8
#define VALUES     16
#define LEFT       32

#if KIND < 2
#if KIND == 1
#define IS_NA(u) ((u & 0xFFFFFFFFUL) == 1954)
#else
#define IS_NA(u) ((u & 0x7FBFFFFFU) == 0x7F8007A2U)
#endif
word key_of(word u, int flags) {
  if ((u & ~TOP) > INF_BITS) {
    const word apart = (flags & APART) && !IS_NA(u);
    return flags & NA_FIRST ? apart : ~apart;
  }
  if ((u & ~TOP) == 0) u = 0; /* -0 equals 0 */
  u ^= u & TOP ? ONES : TOP;
  return flags & DECREASING ? ~u : u;
}
#elif KIND == 2
/* NA is the least integer: where it has to come at the other end, all move by one. */
word key_of(word u, int flags) {
  u ^= TOP;
  if (flags & DECREASING) return ~u + (flags & NA_FIRST ? 1 : 0);
  return u - (flags & NA_FIRST ? 0 : 1);
}
#else
word key_of(word u, int flags) {
  if (u == TOP) return flags & NA_FIRST ? 0 : 3;
  return flags & DECREASING ? 2 - u : 1 + u;
}
#endif

/* -- one pass ---------------------------------------------------------------------------------- */
/* Element i and its row as the pass finds them. */
word load(__global const word *keys, __global const int *from, __global const word *a,
          __global const word *b, long n, long segment, long pass, int flags, long i, uint *row) {
  if (pass == 0) {
    *row = flags & FROM ? (uint)from[i] : (uint)(i + 1);
    if (segment) return (word)((*row - 1) / segment);
    return key_of(keys[*row - 1], flags);
  }
  __global const word *in = pass & 1 ? a : b;
  *row = ((__global const uint *)(in + n))[i];
  return in[i];
}

/* Exclusive sums over a work-group of `size` items, by way of local memory of that size. Returns
 * the sum of the values of the items before; *total is that of all. */
uint sum_before(uint value, __local uint *sums, uint size, uint *total) {
  const uint lid = get_local_id(0);
  sums[lid] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = 1; step < size; step *= 2) {
    const uint more = lid >= step ? sums[lid - step] : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    sums[lid] += more;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const uint before = sums[lid] - value;
  *total = sums[size - 1];
  barrier(CLK_LOCAL_MEM_FENCE);
  return before;
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void ag_sort_count(
    __global const word *keys, long keys_at, __global const int *from, long from_at,
    __global const word *a, __global const word *b, __global uint *hist, long n, long per,
    long segment, long lflags, long pass) {
  __local uint count[16 * GROUP]; /* one column for each item */
  const uint lid = get_local_id(0);
  const long group = get_group_id(0), groups = get_num_groups(0);
  const long first = group * per * TILE, end = min(first + per * TILE, n);
  const int shift = 4 * (int)pass;
  for (uint d = 0; d < 16; d++) count[d * GROUP + lid] = 0;
  for (long i = first + lid; i < end; i += GROUP) {
    uint row;
    const word key =
        load(keys + keys_at, from + from_at, a, b, n, segment, pass, (int)lflags, i, &row);
    count[((uint)(key >> shift) & 15) * GROUP + lid]++;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lid < 16) {
    uint sum = 0;
    for (uint i = 0; i < GROUP; i++) sum += count[lid * GROUP + i];
    hist[lid * groups + group] = sum;
  }
}

__kernel __attribute__((reqd_work_group_size(SCAN, 1, 1))) void ag_sort_scan(__global uint *hist,
                                                                          long entries) {
  __local uint sums[SCAN];
  const long run = (entries + SCAN - 1) / SCAN, first = get_local_id(0) * run;
  const long end = min(first + run, entries);
  uint sum = 0, total;
  for (long i = first; i < end; i++) sum += hist[i];
  uint before = sum_before(sum, sums, SCAN, &total);
  for (long i = first; i < end; i++) {
    const uint here = hist[i];
    hist[i] = before;
    before += here;
  }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void ag_sort_scatter(
    __global const word *keys, long keys_at, __global const int *from, long from_at,
    __global word *a, __global word *b, __global const uint *hist, __global uint *out, long out_at,
    long n, long per, long segment, long lflags, long passes, long pass) {
  __local word tile_key[TILE];
  __local uint tile_row[TILE], count[16 * GROUP], sums[GROUP], base[16], start[17];
  const uint lid = get_local_id(0);
  const long group = get_group_id(0), groups = get_num_groups(0);
  const int shift = 4 * (int)pass, flags = (int)lflags, last = pass == passes - 1;
  __global word *to = pass & 1 ? b : a;
  if (lid < 16) base[lid] = hist[lid * groups + group];
  for (long tile = group * per; tile < group * per + per; tile++) {
    const long first = tile * TILE;
    if (first >= n) break; /* the same for all items of the group */
    const uint valid = (uint)min((long)TILE, n - first);
    for (uint p = lid; p < valid; p += GROUP) {
      uint r;
      tile_key[p] =
          load(keys + keys_at, from + from_at, a, b, n, segment, pass, flags, first + p, &r);
      tile_row[p] = r;
    }
    for (uint d = 0; d < 16; d++) count[d * GROUP + lid] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    /* an item ranks EACH neighbours; those of the items before come first */
    word key[EACH];
    uint row[EACH], rank[EACH];
    for (uint e = 0; e < EACH; e++) {
      const uint p = lid * EACH + e;
      if (p >= valid) continue;
      key[e] = tile_key[p];
      row[e] = tile_row[p];
      rank[e] = count[((uint)(key[e] >> shift) & 15) * GROUP + lid]++;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    uint sum = 0, total;
    for (uint i = 0; i < 16; i++) sum += count[lid * 16 + i];
    uint before = sum_before(sum, sums, GROUP, &total);
    for (uint i = 0; i < 16; i++) {
      const uint here = count[lid * 16 + i];
      count[lid * 16 + i] = before;
      before += here;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lid < 16) start[lid] = count[lid * GROUP];
    if (lid == 16) start[16] = valid;
    for (uint e = 0; e < EACH; e++) {
      if (lid * EACH + e >= valid) continue;
      const uint p = count[((uint)(key[e] >> shift) & 15) * GROUP + lid] + rank[e];
      tile_key[p] = key[e];
      tile_row[p] = row[e];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint p = lid; p < valid; p += GROUP) {
      const word k = tile_key[p];
      const uint d = (uint)(k >> shift) & 15, r = tile_row[p];
      const long at = (long)base[d] + p - start[d];
      if (!last) {
        to[at] = k;
        ((__global uint *)(to + n))[at] = r;
      } else if (flags & VALUES) {
        ((__global word *)out)[out_at + at] = keys[keys_at + r - 1];
      } else {
        out[out_at + at] = r;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lid < 16) base[lid] += start[lid + 1] - start[lid];
  }
}

/* -- runs of equal keys ------------------------------------------------------------------------ */
#define FIRST      0
#define LAST       1
#define MIN        2
#define MAX        3
#define AVERAGE    4
#define REPEATS    5
#define REPEATED   6
#define OCCURRENCE 7

#define MISSING_EQUAL 0
#define MISSING_FIRST 1
#define MISSING_NA    2

/* NA of the result's type */
#ifdef AG_FP64
#define NA_REAL as_double(0x7FF00000000007A2L)
#else
#define NA_REAL as_float(0x7FC007A2)
#endif
#if KIND == 3
#define MISSING_LAST 3
#else
#define MISSING_LAST ONES
#endif

__kernel void ag_sort_rank(__global const word *keys, long keys_at, __global const int *order,
                           long order_at, __global int *out, long out_at, long n, long segment,
                           long rank, long missing, long limit, long otherwise, long lflags) {
  const long i = get_global_id(0);
  if (i >= n) return;
  const int flags = (int)lflags;
  keys += keys_at - 1; /* rows count from 1 */
  order += order_at;
  const long base = i / segment * segment;
  const word key = key_of(keys[order[i]], flags);
  long lo = base, hi = min(base + segment, n);
  /* most keys have no equal one beside them */
  if (i > base && key_of(keys[order[i - 1]], flags) != key) lo = i;
  if (i + 1 < hi && key_of(keys[order[i + 1]], flags) != key) hi = i + 1;
  for (long end = i; lo < end;) {
    const long mid = lo + (end - lo) / 2;
    if (key_of(keys[order[mid]], flags) == key) end = mid;
    else lo = mid + 1;
  }
  for (long from = i + 1; from < hi;) {
    const long mid = from + (hi - from) / 2;
    if (key_of(keys[order[mid]], flags) == key) from = mid + 1;
    else hi = mid;
  }
  const long to = out_at + order[i] - 1, l = lo - base, h = hi - base;
  const int alone = missing != MISSING_EQUAL && !(flags & APART) &&
                    key == (flags & NA_FIRST ? 0 : MISSING_LAST);
  if (rank == AVERAGE) {
    const real value = (real)(alone ? 2 * (i - base + 1) : l + 1 + h) / 2;
    ((__global real *)out)[to] = alone && missing == MISSING_NA ? NA_REAL : value;
    return;
  }
  if (alone) {
    out[to] = missing == MISSING_NA ? NA_INT : (int)(i - base + 1);
    return;
  }
  out[to] = rank == FIRST      ? (int)(i - base + 1)
            : rank == LAST     ? (int)(l + h - (i - base))
            : rank == MIN      ? (int)(l + 1)
            : rank == MAX      ? (int)h
            : rank == REPEATS  ? i > lo
            : rank == REPEATED ? i < hi - 1
            : order[lo] <= limit ? order[lo]
                                 : (int)otherwise;
}

__kernel void ag_sort_take(__global const word *keys, long keys_at, __global const int *order,
                           long order_at, __global word *out, long out_at, long n) {
  const long i = get_global_id(0);
  if (i < n) out[out_at + i] = keys[keys_at + order[order_at + i] - 1];
}

/* -- search ------------------------------------------------------------------------------------ */
#define COUNT_PLAIN  0
#define COUNT_INSIDE 1
#define COUNT_BIN    2
#define COUNT_MATCH  3

__kernel void ag_sort_search(__global const word *keys, long keys_at, __global const word *table,
                             long table_at, __global int *out, long out_at,
                             __global const int *order, long order_at, long n, long m, long closed,
                             long counted, long otherwise, long lflags) {
  const long i = get_global_id(0);
  if (i >= n) return;
  const int flags = (int)lflags & APART;
  const word key = key_of(keys[keys_at + i], flags);
#if KIND == 3
  const int na = key == 3;
#else
  const int na = key == ONES;
#endif
  long low = 0, high = m;
  while (low < high) {
    const long mid = low + (high - low) / 2;
    const word there = key_of(table[table_at + mid], flags);
    if (lflags & LEFT ? there < key : there <= key) low = mid + 1;
    else high = mid;
  }
  if (counted == COUNT_MATCH) {
    const int found = low < m && key_of(table[table_at + min(low, m - 1)], flags) == key;
    out[out_at + i] = found ? order[order_at + low] : (int)otherwise;
    return;
  }
  const int left = (lflags & LEFT) != 0;
  if (closed && m > 0 && key_of(table[table_at + (left ? 0 : m - 1)], 0) == key)
    low = left ? 1 : m - 1;
  const int inside = counted == COUNT_PLAIN || (low >= 1 && low < m);
  const int moved = counted == COUNT_BIN ? NA_INT : low < 1 ? 1 : (int)(m - 1);
  out[out_at + i] = na ? NA_INT : inside ? (int)low : moved;
}

/* -- counts ------------------------------------------------------------------------------------ */
#define BINS 1024 /* up to here a work-group counts in local memory first */

__kernel void ag_sort_tabulate(__global const word *keys, long keys_at, __global int *out,
                               long out_at, long n, long m) {
  __local int bins[BINS];
  const long all = get_global_size(0);
  const int few = m <= BINS;
  for (long j = get_local_id(0); j < BINS; j += get_local_size(0)) bins[j] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (long i = get_global_id(0); i < n; i += all) {
    const long at = (long)(int)keys[keys_at + i] - 1;
    if (at < 0 || at >= m) continue;
    if (few) atomic_inc(&bins[at]);
    else atomic_inc(&out[out_at + at]);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (long j = get_local_id(0); few && j < m; j += get_local_size(0))
    if (bins[j]) atomic_add(&out[out_at + j], bins[j]);
}
