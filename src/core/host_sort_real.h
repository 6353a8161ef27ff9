/* Sorting on the host, included once for each kind of element. Defined before: the type `elem`, the
 * unsigned type `word` of its key, KEY(e), LOAD(j, i) that makes element i, STORE(j, i, e) that
 * writes it to the result, and S(name).
 *
 * 1. Elements are read from the source and spread over about a thousand buckets, which are ranges
 * of the upper 16 bits in which keys differ, chosen by their counts: no bucket is much larger than
 *    others, unless its keys agree in all of these bits; then it is spread again.
 * 2. Each bucket, now in the second cache, is sorted by the upper bits in which its keys differ
 * (few more than it takes to tell its elements apart) from the lower half of them up, and runs that
 *    agree in these bits once more.
 * All steps keep the order of equal keys. */

/* -- one bucket ------------------------------------------------------------------------------ */
static void S(insert)(elem *a, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    elem e = a[i];
    int64_t j = i;
    for (; j > 0 && KEY(a[j - 1]) > KEY(e); j--) a[j] = a[j - 1];
    a[j] = e;
  }
}

/* Two passes by w bits above `shift`, from a to b and back. */
static void S(two_passes)(elem *a, elem *b, int64_t n, int shift, int w) {
  uint32_t low[1 << SEGMENT_BITS], high[1 << SEGMENT_BITS], at_low = 0, at_high = 0;
  const int wl = w / 2, sh = shift + wl;
  const uint32_t ml = ((uint32_t)1 << wl) - 1, mh = ((uint32_t)1 << (w - wl)) - 1;
  memset(low, 0, (ml + 1) * sizeof *low);
  memset(high, 0, (mh + 1) * sizeof *high);
  for (int64_t i = 0; i < n; i++) {
    low[(uint32_t)(KEY(a[i]) >> shift) & ml]++;
    high[(uint32_t)(KEY(a[i]) >> sh) & mh]++;
  }
  for (uint32_t d = 0; d <= mh; d++) {
    uint32_t count = high[d];
    high[d] = at_high, at_high += count;
    if (d > ml) continue;
    count = low[d];
    low[d] = at_low, at_low += count;
  }
  for (int64_t i = 0; i < n; i++) b[low[(uint32_t)(KEY(a[i]) >> shift) & ml]++] = a[i];
  for (int64_t i = 0; i < n; i++) a[high[(uint32_t)(KEY(b[i]) >> sh) & mh]++] = b[i];
}

/* Sorts a in place; b is room for n elements. */
static void S(segment)(elem *a, elem *b, int64_t n) {
  if (n <= INSERT_MAX) {
    S(insert)(a, n);
    return;
  }
  word differ = 0, first = KEY(a[0]);
  for (int64_t i = 1; i < n; i++) differ |= KEY(a[i]) ^ first;
  if (!differ) return;
  int top = top_bit(differ), bits = top - low_bit(differ) + 1, w = top_bit((uint64_t)n) + 4;
  if (w > 2 * SEGMENT_BITS) w = 2 * SEGMENT_BITS;
  if (w > bits) w = bits;
  const int shift = top + 1 - w;
  S(two_passes)(a, b, n, shift, w);
  if (w == bits) return;
  for (int64_t i = 0, j; i < n; i = j) {
    word head = KEY(a[i]) >> shift;
    for (j = i + 1; j < n && KEY(a[j]) >> shift == head; j++) continue;
    if (j > i + 1) S(segment)(a + i, b + i, j - i);
  }
}

/* -- spreading over buckets, by all threads -------------------------------------------------- */
typedef struct {
  sort_job *j;
  const elem *from; /* NULL: the source */
  elem *to;
  int64_t n, chunk;
  word any, all;
  int shift;
} S(spread_job);

static inline elem S(element)(const S(spread_job) * s, int64_t i) {
  return s->from ? s->from[i] : LOAD(s->j, i);
}

static inline uint32_t S(digit)(const S(spread_job) * s, elem e) {
  return (uint32_t)(KEY(e) >> s->shift) & (DIGITS - 1);
}

/* Bits in which keys differ. NA in the source would make all differ; as all ones or zeros it comes
 * to the right end whichever bits are looked at. */
static void S(bits_task)(void *ctx, int task, int worker) {
  S(spread_job) *s = ctx;
  const int64_t end = chunk_end(task, s->chunk, s->n);
  word any = 0, all = (word) ~(word)0;
  (void)worker;
  for (int64_t i = task * s->chunk; i < end; i++) {
    word k = KEY(S(element)(s, i));
    int na = !s->from && !s->j->by.apart && (k == 0 || k == (word) ~(word)0);
    any |= na ? 0 : k;
    all &= na ? (word) ~(word)0 : k;
  }
  s->j->task[task].any = any;
  s->j->task[task].all = all;
}

static void S(count_task)(void *ctx, int task, int worker) {
  S(spread_job) *s = ctx;
  const int64_t end = chunk_end(task, s->chunk, s->n);
  uint32_t *count = s->j->count + (size_t)task * DIGITS;
  (void)worker;
  memset(count, 0, DIGITS * sizeof *count);
  for (int64_t i = task * s->chunk; i < end; i++) count[S(digit)(s, S(element)(s, i))]++;
}

static void S(scatter_task)(void *ctx, int task, int worker) {
  S(spread_job) *s = ctx;
  const int64_t end = chunk_end(task, s->chunk, s->n);
  const uint16_t *bucket = s->j->bucket;
  uint32_t *at = s->j->task[task].at;
  elem *to = s->to;
  (void)worker;
  for (int64_t i = task * s->chunk; i < end; i++) {
    elem e = S(element)(s, i);
    to[at[bucket[S(digit)(s, e)]]++] = e;
  }
}

/* 0 if all keys are equal: then nothing was done. */
static int S(spread)(S(spread_job) * s) {
  sort_job *j = s->j;
  const int tasks = j->tasks;
  s->chunk = (s->n + tasks - 1) / tasks;
  ag_parallel(tasks, S(bits_task), s);
  word any = 0, all = (word) ~(word)0;
  for (int t = 0; t < tasks; t++) any |= (word)j->task[t].any, all &= (word)j->task[t].all;
  const word differ = any & ~all;
  if (!differ && s->from) return 0;
  s->shift = differ && top_bit(differ) >= DIGIT_BITS ? top_bit(differ) + 1 - DIGIT_BITS : 0;
  ag_parallel(tasks, S(count_task), s);
  make_buckets(j, s->n);
  ag_parallel(tasks, S(scatter_task), s);
  return 1;
}

/* -- all --------------------------------------------------------------------------------------- */
static void S(copy_task)(void *ctx, int task, int worker) {
  S(spread_job) *s = ctx;
  const int64_t first = task * s->chunk, end = chunk_end(task, s->chunk, s->n);
  (void)worker;
  if (first < end)
    memcpy((elem *)s->from + first, s->to + first, (size_t)(end - first) * sizeof(elem));
}

static void S(finish_task)(void *ctx, int task, int worker) {
  sort_job *j = ctx;
  const sort_range r = j->range[task];
  elem *a = (elem *)j->a + r.first;
  (void)worker;
  if (!r.equal) S(segment)(a, (elem *)j->b + r.first, r.n);
  for (int64_t i = 0; i < r.n; i++) STORE(j, r.first + i, a[i]);
}

/* Ranges too large for the cache are spread again, by way of b. */
static ag_status S(spread_large)(sort_job *j) {
  for (int k = 0; k < j->nranges; k++) {
    sort_range r = j->range[k];
    if (r.n <= LARGE) continue;
    S(spread_job)
    s = {.j = j, .from = (elem *)j->a + r.first, .to = (elem *)j->b + r.first, .n = r.n};
    if (!S(spread)(&s)) {
      j->range[k].equal = 1;
      continue;
    }
    ag_parallel(j->tasks, S(copy_task), &s);
    j->range[k].n = 0;
    AG_TRY(add_ranges(j, r.first));
  }
  return AG_OK;
}

static ag_status S(sort)(sort_job *j) {
  if (j->n <= SERIAL) {
    for (int64_t i = 0; i < j->n; i++) ((elem *)j->a)[i] = LOAD(j, i);
    j->range[0] = (sort_range){0, j->n, 0};
    S(finish_task)(j, 0, 0);
    return AG_OK;
  }
  S(spread_job) s = {.j = j, .to = j->a, .n = j->n};
  (void)S(spread)(&s);
  AG_TRY(add_ranges(j, 0));
  AG_TRY(S(spread_large)(j));
  ag_parallel(j->nranges, S(finish_task), j);
  return AG_OK;
}

#undef elem
#undef word
#undef KEY
#undef LOAD
#undef STORE
#undef S
