/* States of a scan: what a run of elements folds to, in front of a generated kernel.
 *
 * acc       type of the running value: double, float; of integers long (SUM) or int
 * SCAN_OP   SCAN_SUM, SCAN_PROD, SCAN_MIN, SCAN_MAX
 * SCAN_INT  1: integers, where SCAN_NA stands for NA
 *
 * What is missing stays missing. A product is value * 2^scale, so that the product of a long run
 * neither overflows nor vanishes before it meets the others. */
#define SCAN_SUM  0
#define SCAN_PROD 1
#define SCAN_MIN  2
#define SCAN_MAX  3
#ifndef acc
#define acc      float
#define SCAN_OP  SCAN_SUM
#define SCAN_INT 0
#endif
#ifndef NA_INT
#define NA_INT (-2147483647 - 1)
#endif
#define SCAN_GROUP 256 /* items of a work-group; a power of 2 */
#define SCAN_EACH  8   /* consecutive elements of one item */

#if SCAN_INT && SCAN_OP == SCAN_SUM
#define SCAN_NA LONG_MIN
#else
#define SCAN_NA NA_INT
#endif
#if SCAN_INT
#define SCAN_MISSING(x) ((x) == SCAN_NA)
#define SCAN_MOST       2147483647
#else
#define SCAN_MISSING(x) ((x) != (x))
#define SCAN_MOST       INFINITY
#endif
#if SCAN_OP == SCAN_PROD
#define SCAN_START 1
#elif SCAN_OP == SCAN_MIN
#define SCAN_START SCAN_MOST
#elif SCAN_OP == SCAN_MAX
#define SCAN_START (-SCAN_MOST)
#else
#define SCAN_START 0
#endif

typedef struct {
  acc value;
  int scale;
} ag_state;

/* The running value a, and then x. */
acc ag_scan_step(acc a, acc x) {
  if (SCAN_MISSING(a)) return a;
  if (SCAN_MISSING(x)) return x;
#if SCAN_OP == SCAN_PROD
  return a * x;
#elif SCAN_OP == SCAN_MIN
  return x < a ? x : a;
#elif SCAN_OP == SCAN_MAX
  return x > a ? x : a;
#else
  return a + x;
#endif
}

ag_state ag_scan_state(acc value, int scale) {
  ag_state s;
  s.value = value;
  s.scale = scale;
  return s;
}

ag_state ag_scan_join(ag_state a, ag_state b) {
#if SCAN_OP == SCAN_PROD
  int e = 0;
  const acc product = a.value * b.value;
  if (product == 0 || !(fabs(product) < INFINITY)) return ag_scan_state(product, 0);
  const acc part = frexp(product, &e);
  return ag_scan_state(part, a.scale + b.scale + e);
#else
  return ag_scan_state(ag_scan_step(a.value, b.value), 0);
#endif
}

/* An element; of a product, as a fraction that does not overflow beside another. */
ag_state ag_scan_single(acc x) {
#if SCAN_OP == SCAN_PROD
  int e = 0;
  if (x == 0 || !(fabs(x) < INFINITY)) return ag_scan_state(x, 0);
  const acc part = frexp(x, &e);
  return ag_scan_state(part, e);
#else
  return ag_scan_state(x, 0);
#endif
}

acc ag_scan_value(ag_state s) {
#if SCAN_OP == SCAN_PROD
  return ldexp(s.value, s.scale);
#else
  return s.value;
#endif
}

/* By all items of a work-group of SCAN_GROUP: the states of the items before this one, joined; and
 * of all of them in *total. */
ag_state ag_scan_group(ag_state own, __local acc *value, __local int *scale, ag_state *total) {
  const int me = get_local_id(0);
  value[me] = own.value, scale[me] = own.scale;
  for (int reach = 1; reach < SCAN_GROUP; reach *= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me >= reach) own = ag_scan_join(ag_scan_state(value[me - reach], scale[me - reach]), own);
    barrier(CLK_LOCAL_MEM_FENCE);
    value[me] = own.value, scale[me] = own.scale;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  *total = ag_scan_state(value[SCAN_GROUP - 1], scale[SCAN_GROUP - 1]);
  own = me ? ag_scan_state(value[me - 1], scale[me - 1]) : ag_scan_state(SCAN_START, 0);
  barrier(CLK_LOCAL_MEM_FENCE); /* the memory may be used again */
  return own;
}
