/* Random streams in bulk, the numbers of math.cl: 32 Philox blocks (128 elements) at a time, in
 * loops over the blocks that become vector code. Part of host_loops.h. */
#define BLOCKS 32 /* more than compilers unroll before they look for vectors */

#define ROUND(r)                                                                                   \
  {                                                                                                \
    uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;                     \
    x0 = (uint32_t)(p1 >> 32) ^ x1 ^ (k0 + (r)*0x9E3779B9u);                                       \
    x2 = (uint32_t)(p0 >> 32) ^ x3 ^ (k1 + (r)*0xBB67AE85u);                                       \
    x1 = (uint32_t)p1;                                                                             \
    x3 = (uint32_t)p0;                                                                             \
  }

/* word[w][j] = word w of the block with counter `counter` + j. */
static void philox_words(uint64_t key, uint64_t counter, uint32_t word[4][BLOCKS]) {
  const uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (uint32_t j = 0; j < BLOCKS; j++) {
    uint32_t x0 = (uint32_t)counter + j, x2 = 0, x3 = 0;
    uint32_t x1 = (uint32_t)(counter >> 32) + (x0 < j); /* with the carry */
    ROUND(0)
    ROUND(1)
    ROUND(2) ROUND(3) ROUND(4) ROUND(5) ROUND(6) ROUND(7) ROUND(8) ROUND(9) word[0][j] = x0;
    word[1][j] = x1;
    word[2][j] = x2;
    word[3][j] = x3;
  }
}

/* ag_unit_double() and ag_unit_float() with conversions from signed integers, which all instruction
 * sets have: the sum of the halves is rounded once, as the conversion of the word is. */
MATH_INLINE double unit_f64(uint32_t word) {
  return ((double)(int32_t)(word ^ 0x80000000u) + 2147483648.5) * 0x1p-32;
}
MATH_INLINE float unit_f32(uint32_t word) {
  float whole = (float)(int32_t)(word >> 16) * 65536.0f + (float)(int32_t)(word & 0xFFFFu);
  uint32_t u = bits_f32(whole * 0x1p-32f + 0x1p-33f), most = bits_f32(0x1.fffffep-1f);
  return unbits_f32(u < most ? u : most);
}

/* RANDOM(): the 128 elements from block `counter` on, and functions of any range built on them. */
#define RANDOM(real, suffix, ROOTS)                                                                \
  static void fill_uniform_##suffix(real *out, uint64_t key, uint64_t counter) {                   \
    uint32_t word[4][BLOCKS];                                                                      \
    philox_words(key, counter, word);                                                              \
    for (int j = 0; j < BLOCKS; j++)                                                               \
      for (int w = 0; w < 4; w++) out[4 * j + w] = unit_##suffix(word[w][j]);                      \
  }                                                                                                \
  static void normal_pairs_##suffix(real *out, const uint32_t *word1, const uint32_t *word2) {     \
    real size[BLOCKS], even[BLOCKS], odd[BLOCKS];                                                  \
    for (int j = 0; j < BLOCKS; j++) {                                                             \
      real u1 = unit_##suffix(word1[j]), u2 = unit_##suffix(word2[j]);                             \
      size[j] = -2 * log_##suffix(u1);                                                             \
      even[j] = cospi_##suffix(2 * u2);                                                            \
      odd[j] = sinpi_##suffix(2 * u2);                                                             \
    }                                                                                              \
    for (int j = 0; j < BLOCKS; j += VBYTES / (int)sizeof(real)) ROOTS(size + j, size + j);        \
    for (int j = 0; j < BLOCKS; j++) {                                                             \
      out[4 * j] = size[j] * even[j];                                                              \
      out[4 * j + 1] = size[j] * odd[j];                                                           \
    }                                                                                              \
  }                                                                                                \
  static void fill_normal_##suffix(real *out, uint64_t key, uint64_t counter) {                    \
    uint32_t word[4][BLOCKS];                                                                      \
    philox_words(key, counter, word);                                                              \
    normal_pairs_##suffix(out, word[0], word[1]);                                                  \
    normal_pairs_##suffix(out + 2, word[2], word[3]);                                              \
  }                                                                                                \
  STREAM(uniform_##suffix, fill_uniform_##suffix, real)                                            \
  STREAM(normal_##suffix, fill_normal_##suffix, real)

#define STREAM(fn, fill, real)                                                                     \
  static void fn(int64_t n, real *y, uint64_t key, int64_t first) {                                \
    real piece[4 * BLOCKS];                                                                        \
    for (int64_t i = 0, count; i < n; i += count) {                                                \
      uint64_t element = (uint64_t)(first + i), skip = element % 4;                                \
      fill(piece, key, element / 4);                                                               \
      count = 4 * BLOCKS - (int64_t)skip;                                                          \
      count = count < n - i ? count : n - i;                                                       \
      memcpy(y + i, piece + skip, (size_t)count * sizeof(real));                                   \
    }                                                                                              \
  }

RANDOM(float, f32, ROOTS_F32)
RANDOM(double, f64, ROOTS_F64)
