/* R's arithmetic of integers, in the language that OpenCL C and C99 share: the OpenCL device puts
 * this text in front of kernels that need it, the host's loops include it. int is of 32 bits;
 * NA is NA_INT, the least of them, and no other value: what does not fit is NA. */
#ifndef AG_INTEGER_CL
#define AG_INTEGER_CL

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
typedef uint ag_word;
typedef long ag_wide;
#else
typedef uint32_t ag_word;
typedef int64_t ag_wide;
#endif
#ifndef NA_INT
#define NA_INT (-2147483647 - 1)
#endif

static inline int ag_times(int a, int b) {
  ag_wide p = (ag_wide)a * b;
  return ((a == NA_INT) | (b == NA_INT) | (p > 2147483647) | (p < -2147483647)) ? NA_INT : (int)p;
}

/* a %% b: of the divisor's sign; NA when b is 0. */
static inline int ag_modulo(int a, int b) {
  if ((a == NA_INT) | (b == NA_INT) | (b == 0)) return NA_INT;
  int r = a % b;
  return ((r != 0) & ((r < 0) != (b < 0))) ? r + b : r;
}

/* a %/% b: rounded down; NA when b is 0. */
static inline int ag_over(int a, int b) {
  if ((a == NA_INT) | (b == NA_INT) | (b == 0)) return NA_INT;
  int q = a / b, r = a % b;
  return ((r != 0) & ((r < 0) != (b < 0))) ? q - 1 : q;
}

/* Shifts of the 32 bits as they stand; NA for places below 0 and above 31. */
static inline int ag_left(int a, int n) {
  if ((a == NA_INT) | (n < 0) | (n > 31)) return NA_INT;
  return (int)((ag_word)a << (n & 31));
}
static inline int ag_right(int a, int n) {
  if ((a == NA_INT) | (n < 0) | (n > 31)) return NA_INT;
  return (int)((ag_word)a >> (n & 31));
}
#endif
