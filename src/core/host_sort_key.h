/* Sorting on the host: the bits of a number as an unsigned integer that sorts as the number does.
 */
#ifndef AG_HOST_SORT_KEY_H
#define AG_HOST_SORT_KEY_H

#include "kernel.h"

#define KEY_NAN64(u) (((u)&INT64_MAX) > 0x7FF0000000000000u)
#define KEY_NAN32(u) (((u)&INT32_MAX) > 0x7F800000u)

/* NA as in prelude.cl: the low word of a float64, the payload of a float32 but for the quiet bit.
 */
static inline int key_is_na64(uint64_t u) { return KEY_NAN64(u) && (uint32_t)u == 1954; }
static inline int key_is_na32(uint32_t u) { return (u & 0x7FBFFFFF) == 0x7F8007A2; }

/* All ones and 0 stand for NA: infinities leave them free. */
static inline uint64_t key_nan(const ag_sort_by *by, int is_na) {
  uint64_t apart = by->apart && !is_na;
  return by->na_first ? apart : ~apart;
}

/* Of a number; without `zeros`, -0 stays just below 0. */
static inline uint64_t key_number64(uint64_t u, const ag_sort_by *by, int zeros) {
  if (zeros && u << 1 == 0) u = 0;
  u ^= (uint64_t)((int64_t)u >> 63) | (uint64_t)1 << 63;
  return by->decreasing ? ~u : u;
}
static inline uint32_t key_number32(uint32_t u, const ag_sort_by *by, int zeros) {
  if (zeros && u << 1 == 0) u = 0;
  u ^= (uint32_t)((int32_t)u >> 31) | (uint32_t)1 << 31;
  return by->decreasing ? ~u : u;
}

static inline uint64_t key_f64(uint64_t u, const ag_sort_by *by, int zeros) {
  return KEY_NAN64(u) ? key_nan(by, key_is_na64(u)) : key_number64(u, by, zeros);
}
static inline uint32_t key_f32(uint32_t u, const ag_sort_by *by, int zeros) {
  return KEY_NAN32(u) ? (uint32_t)key_nan(by, key_is_na32(u)) : key_number32(u, by, zeros);
}
/* NA is the least integer: where it has to come at the other end, all move by one. */
static inline uint32_t key_i32(uint32_t u, const ag_sort_by *by) {
  u ^= (uint32_t)1 << 31;
  if (by->decreasing) u = ~u;
  return by->decreasing ? u + (by->na_first != 0) : u - (by->na_first == 0);
}

/* And back, but for NaN. */
static inline uint64_t key_back64(uint64_t k, const ag_sort_by *by) {
  if (by->decreasing) k = ~k;
  return k ^ (k >> 63 ? (uint64_t)1 << 63 : ~(uint64_t)0);
}
static inline uint32_t key_back32(uint32_t k, const ag_sort_by *by) {
  if (by->decreasing) k = ~k;
  return k ^ (k >> 31 ? (uint32_t)1 << 31 : ~(uint32_t)0);
}
static inline uint32_t key_back_i32(uint32_t k, const ag_sort_by *by) {
  k = by->decreasing ? ~(k - (by->na_first != 0)) : k + (by->na_first == 0);
  return k ^ (uint32_t)1 << 31;
}

/* The key of element i, widened; -0 equals 0. */
static inline uint64_t key_at(const void *x, ag_dtype type, int64_t i, const ag_sort_by *by) {
  if (type == AG_F64) return key_f64(((const uint64_t *)x)[i], by, 1);
  if (type == AG_F32) return key_f32(((const uint32_t *)x)[i], by, 1);
  return key_i32(((const uint32_t *)x)[i], by);
}

#endif
