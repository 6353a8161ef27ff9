#include "host_program.h"
#include <stdlib.h>
#include <string.h>

/* Results of this many elements (16 MB or more) are not in the caches when they are next read. */
#define STREAM_COUNT (4 << 20)

/* -- making -------------------------------------------------------------------------------- */
static int reads(const ag_instr *in, int r) {
  return in->arg[0] == r || in->arg[1] == r || in->arg[2] == r;
}

static int is_output_slot(const ag_program *p, int slot) {
  for (int i = 0; i < p->nout; i++)
    if (p->out[i].slot == slot) return 1;
  return 0;
}

/* Needed until the outputs are stored. */
static int is_outreg(const ag_program *p, int r) {
  for (int i = 0; i < p->put.n; i++)
    if (p->put.reg[i] == r) return 1;
  for (int i = 0; i < p->nout; i++)
    if (p->outreg[i] == r) return 1;
  return 0;
}

/* The slot that register r points into, or -1: contiguous loads and the accumulator are not copied.
 */
static int points_into(const ag_program *p, int r) {
  const ag_instr *in = &p->instr[r];
  if (in->kind == AG_I_ACC) return p->out[0].slot;
  return in->kind == AG_I_LOAD && p->in[in->index].contiguous ? p->in[in->index].slot : -1;
}

/* Output i may be written while the block is computed: nothing computed later reads what it
 * overwrites. */
static int can_be_direct(const ag_program *p, int i, const ag_host_step *step) {
  int r = p->outreg[i];
  ag_instr_kind kind = p->instr[r].kind;
  if (!p->out[i].contiguous || kind == AG_I_CONST || points_into(p, r) >= 0 || step[r].out >= 0)
    return 0;
  for (int q = 0; q < p->ninstr; q++) {
    if (points_into(p, q) != p->out[i].slot) continue;
    if (is_outreg(p, q)) return 0;
    for (int later = r + 1; later < p->ninstr; later++)
      if (reads(&p->instr[later], q)) return 0;
  }
  return 1;
}

/* What the kernel looks at beside its outputs. */
static int is_kept(const ag_kernel *k, int r) {
  if (k->kind == AG_K_REDUCE || k->kind == AG_K_SCAN) return r == k->reduce.reg;
  return k->kind == AG_K_SELECT && (r == k->select.mask || r == k->select.value);
}

static int last_use(const ag_kernel *k, int r) {
  const ag_program *p = &k->prog;
  int last = r;
  if (is_kept(k, r) || is_outreg(p, r)) return p->ninstr;
  for (int q = r + 1; q < p->ninstr; q++)
    if (reads(&p->instr[q], r)) last = q;
  return last;
}

/* The result may lie where an argument lay: not when its elements have another size. */
static int in_place(const ag_program *p, int r) {
  const ag_instr *in = &p->instr[r];
  for (int k = 0; k < 3; k++)
    if (in->arg[k] >= 0 && ag_dtype_size(p->instr[in->arg[k]].type) != ag_dtype_size(in->type))
      return 0;
  return 1;
}

static ag_loop find_loop(const ag_isa *isa, const ag_instr *in) {
  if (in->kind == AG_I_CAST) return isa->cast[in->from][in->type];
  if (in->kind != AG_I_OP) return NULL;
  return in->from == AG_F32 ? isa->op_f32[in->op] : isa->op_f64[in->op];
}

/* A stored output whose register only points into memory that an output overwrites is copied first.
 */
static int needs_scratch(const ag_program *p, int r) {
  int slot = points_into(p, r);
  return slot < 0 || (is_outreg(p, r) && p->instr[r].kind == AG_I_LOAD && is_output_slot(p, slot));
}

void ag_host_program_make(ag_host_program *hp, const ag_kernel *k) {
  const ag_program *p = &k->prog;
  int busy_until[AG_MAX_INSTR]; /* per scratch block: last instruction that needs it */
  hp->isa = ag_isa_get();
  hp->k = k;
  hp->block = AG_HOST_BLOCK;
  hp->streams = k->kind == AG_K_MAP && p->count >= STREAM_COUNT;
  for (int r = 0; r < p->ninstr; r++) {
    hp->step[r] = (ag_host_step){.loop = find_loop(hp->isa, &p->instr[r]),
                                 .scratch = -1,
                                 .out = -1,
                                 .size = (int)ag_dtype_size(p->instr[r].type)};
    if (hp->step[r].size == 8) hp->block = AG_HOST_BLOCK / 2;
  }
  for (int i = 0; i < p->nout; i++) {
    hp->direct[i] = !hp->streams && can_be_direct(p, i, hp->step);
    if (hp->direct[i]) hp->step[p->outreg[i]].out = i;
  }
  for (int r = 0; r < p->ninstr; r++) {
    if (!needs_scratch(p, r) || hp->step[r].out >= 0) continue;
    int is_konst = p->instr[r].kind == AG_I_CONST, s = 0;
    int busy = in_place(p, r) ? r : r - 1; /* free from the instruction after this one on */
    while (s < hp->nscratch && (is_konst || busy_until[s] > busy)) s++;
    if (s == hp->nscratch) hp->nscratch++;
    busy_until[s] = is_konst ? p->ninstr : last_use(k, r);
    hp->step[r].scratch = s;
    if (is_konst) hp->konst[hp->nkonst++] = r;
  }
}

size_t ag_host_program_scratch(const ag_host_program *hp) {
  return (size_t)hp->nscratch * AG_HOST_BLOCK * 4;
}

/* -- loads: a block of any access, run by run along the first dimension -------------------- */
typedef struct {
  int64_t i[AG_MAX_DIM], l; /* iteration, and its linear index in the slot before the modulus */
} cursor;

static cursor cursor_at(const ag_program *p, const ag_access *at, int64_t start) {
  cursor c;
  c.l = at->base;
  for (int q = 0; q < p->nd; q++) { /* of the last dimension it is what is left */
    const int64_t rest = q + 1 < p->nd ? start / p->dim[q] : 0;
    c.i[q] = start - rest * p->dim[q];
    c.l += c.i[q] * at->stride[q];
    start = rest;
  }
  return c;
}

/* Steps over n iterations that stay within one run. */
static void cursor_step(cursor *c, const ag_program *p, const ag_access *at, int64_t n) {
  c->i[0] += n;
  c->l += n * at->stride[0];
  for (int q = 0; q + 1 < p->nd && c->i[q] == p->dim[q]; q++) {
    c->l += at->stride[q + 1] - p->dim[q] * at->stride[q];
    c->i[q] = 0;
    c->i[q + 1]++;
  }
}

#define DEFINE_COPY_RUN(name, type)                                                                \
  static void name(type *dst, const type *src, const ag_access *at, int64_t l, int64_t n) {        \
    int64_t stride = at->stride[0];                                                                \
    if (at->mod) {                                                                                 \
      int64_t m = at->mod, step = stride % m, j = l % m;                                           \
      for (int64_t i = 0; i < n; i++) {                                                            \
        dst[i] = src[at->off + at->step * j];                                                      \
        j += step;                                                                                 \
        if (j >= m) j -= m;                                                                        \
        else if (j < 0) j += m;                                                                    \
      }                                                                                            \
    } else if (stride == 1) {                                                                      \
      memcpy(dst, src + l, (size_t)n * sizeof *dst);                                               \
    } else if (stride == 0) {                                                                      \
      type v = src[l];                                                                             \
      for (int64_t i = 0; i < n; i++) dst[i] = v;                                                  \
    } else {                                                                                       \
      for (int64_t i = 0; i < n; i++) dst[i] = src[l + i * stride];                                \
    }                                                                                              \
  }
DEFINE_COPY_RUN(copy_run_2, uint16_t)
DEFINE_COPY_RUN(copy_run_4, uint32_t)
DEFINE_COPY_RUN(copy_run_8, uint64_t)

static void store_value(void *dst, ag_dtype type, int64_t i, double v) {
  if (type == AG_F64) ((double *)dst)[i] = v;
  else if (type == AG_F32) ((float *)dst)[i] = (float)v;
  else ((int32_t *)dst)[i] = (int32_t)v;
}

static int64_t access_index(const ag_access *at, int64_t l) {
  return at->mod ? at->off + at->step * (l % at->mod) : l;
}

static void iota_run(void *dst, ag_dtype type, int64_t to, const ag_access *at, int64_t l,
                     int64_t n) {
  for (int64_t i = 0; i < n; i++)
    store_value(dst, type, to + i, (double)access_index(at, l + i * at->stride[0]));
}

static void random_values(const ag_isa *isa, const ag_instr *in, char *dst, uint64_t key,
                          int64_t first, int64_t n) {
  if (in->op == AG_UNIFORM) {
    if (in->type == AG_F64) isa->uniform_f64(n, (double *)dst, key, first);
    else isa->uniform_f32(n, (float *)dst, key, first);
  } else {
    if (in->type == AG_F64) isa->normal_f64(n, (double *)dst, key, first);
    else isa->normal_f32(n, (float *)dst, key, first);
  }
}

static void random_run(const ag_host_program *hp, const ag_instr *in, char *dst, int64_t l,
                       int64_t n) {
  const ag_access *at = &hp->k->prog.in[in->index].at;
  uint64_t key = hp->k->prog.key[in->index].value;
  size_t size = ag_dtype_size(in->type);
  if (!at->mod && at->stride[0] == 1) {
    random_values(hp->isa, in, dst, key, l, n);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    random_values(hp->isa, in, dst + (size_t)i * size, key, access_index(at, l + i * at->stride[0]),
                  1);
}

/* Fills `dst` with the n values of a LOAD, IOTA or RANDOM instruction. */
static void fill(const ag_host_program *hp, const ag_instr *in, char *dst, const ag_binding *slot,
                 int64_t start, int64_t n) {
  const ag_program *p = &hp->k->prog;
  const ag_operand *o = &p->in[in->index];
  size_t size = ag_dtype_size(o->type);
  const char *src =
      o->slot < 0 ? NULL : (const char *)slot[o->slot].mem + (size_t)slot[o->slot].offset * size;
  cursor c = cursor_at(p, &o->at, start);
  for (int64_t done = 0; done < n;) {
    int64_t run = p->dim[0] - c.i[0] < n - done ? p->dim[0] - c.i[0] : n - done;
    char *to = dst + (size_t)done * size;
    if (in->kind == AG_I_IOTA) iota_run(dst, o->type, done, &o->at, c.l, run);
    else if (in->kind == AG_I_RANDOM) random_run(hp, in, to, c.l, run);
    else if (size == 2) copy_run_2((uint16_t *)to, (const uint16_t *)src, &o->at, c.l, run);
    else if (size == 8) copy_run_8((uint64_t *)to, (const uint64_t *)src, &o->at, c.l, run);
    else copy_run_4((uint32_t *)to, (const uint32_t *)src, &o->at, c.l, run);
    cursor_step(&c, p, &o->at, run);
    done += run;
  }
}

/* -- elements by position: as bits, of 4 or 8 bytes ------------------------------------------ */
/* Registers of positions (1-based), and where they lead: element l + sum of (position - 1) *
 * weight; -1 if one of them is outside, NA among them. */
typedef struct {
  const ag_pick *pick;
  const int32_t *at[AG_MAX_PICK];
} positions;

static positions positions_of(const ag_pick *pick, const char *const *reg) {
  positions p = {.pick = pick};
  for (int i = 0; i < pick->n; i++) p.at[i] = (const int32_t *)reg[pick->reg[i]];
  return p;
}

static int64_t moved(const positions *p, int64_t l, int64_t i) {
  for (int k = 0; k < p->pick->n; k++) {
    uint32_t at = (uint32_t)p->at[k][i] - 1;
    if (at >= (uint64_t)p->pick->extent[k]) return -1;
    l += at * p->pick->weight[k];
  }
  return l;
}

#define DEFINE_TAKE_RUN(name, type)                                                                \
  static void name(type *dst, const type *src, const positions *p, int64_t done, int64_t l,        \
                   int64_t stride, int64_t n, type na) {                                           \
    if (p->pick->n == 1) {                                                                         \
      const int32_t *at = p->at[0] + done;                                                         \
      const uint64_t extent = (uint64_t)p->pick->extent[0];                                        \
      const int64_t weight = p->pick->weight[0];                                                   \
      for (int64_t i = 0; i < n; i++) {                                                            \
        uint32_t k = (uint32_t)at[i] - 1;                                                          \
        dst[done + i] = k < extent ? src[l + i * stride + k * weight] : na;                        \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                              \
      int64_t from = moved(p, l + i * stride, done + i);                                           \
      dst[done + i] = from < 0 ? na : src[from];                                                   \
    }                                                                                              \
  }
DEFINE_TAKE_RUN(take_run_4, uint32_t)
DEFINE_TAKE_RUN(take_run_8, uint64_t)

#define NA_BITS_F64 0x7FF00000000007A2u
#define NA_BITS_F32 0x7FC007A2u
uint64_t ag_host_na_bits(ag_dtype type) {
  return type == AG_F64 ? NA_BITS_F64 : type == AG_F32 ? NA_BITS_F32 : (uint32_t)AG_NA_INT;
}

static void take(const ag_host_program *hp, const ag_instr *in, char *dst, const ag_binding *slot,
                 const char *const *reg, int64_t start, int64_t n) {
  const ag_program *p = &hp->k->prog;
  const ag_operand *o = &p->in[in->index];
  size_t size = ag_dtype_size(o->type);
  const char *src = (const char *)slot[o->slot].mem + (size_t)slot[o->slot].offset * size;
  positions at = positions_of(&p->pick, reg);
  uint64_t na = ag_host_na_bits(o->type);
  cursor c = cursor_at(p, &o->at, start);
  for (int64_t done = 0; done < n;) {
    int64_t run = p->dim[0] - c.i[0] < n - done ? p->dim[0] - c.i[0] : n - done;
    if (size == 8)
      take_run_8((uint64_t *)dst, (const uint64_t *)src, &at, done, c.l, o->at.stride[0], run, na);
    else
      take_run_4((uint32_t *)dst, (const uint32_t *)src, &at, done, c.l, o->at.stride[0], run,
                 (uint32_t)na);
    cursor_step(&c, p, &o->at, run);
    done += run;
  }
}

/* -- stores -------------------------------------------------------------------------------- */
#define DEFINE_PUT_RUN(name, type)                                                                 \
  static void name(type *dst, const type *src, const positions *p, int64_t done, int64_t l,        \
                   int64_t stride, int64_t n) {                                                    \
    for (int64_t i = 0; i < n; i++) {                                                              \
      int64_t to = moved(p, l + i * stride, done + i);                                             \
      if (to >= 0) dst[to] = src[done + i];                                                        \
    }                                                                                              \
  }
DEFINE_PUT_RUN(put_run_2, uint16_t)
DEFINE_PUT_RUN(put_run_4, uint32_t)
DEFINE_PUT_RUN(put_run_8, uint64_t)

/* To where the access and positions (of the first output) say. */
static void scatter(const ag_program *p, const ag_operand *o, char *to, const char *from,
                    const positions *at, int64_t start, int64_t n) {
  size_t size = ag_dtype_size(o->type);
  int64_t stride = o->at.stride[0];
  cursor c = cursor_at(p, &o->at, start);
  for (int64_t done = 0; done < n;) {
    int64_t run = p->dim[0] - c.i[0] < n - done ? p->dim[0] - c.i[0] : n - done;
    if (!at->pick->n && stride == 1)
      memcpy(to + (size_t)c.l * size, from + (size_t)done * size, (size_t)run * size);
    else if (size == 2)
      put_run_2((uint16_t *)to, (const uint16_t *)from, at, done, c.l, stride, run);
    else if (size == 8)
      put_run_8((uint64_t *)to, (const uint64_t *)from, at, done, c.l, stride, run);
    else put_run_4((uint32_t *)to, (const uint32_t *)from, at, done, c.l, stride, run);
    cursor_step(&c, p, &o->at, run);
    done += run;
  }
}

static char *element(const ag_operand *o, const ag_binding *slot, int64_t i) {
  return (char *)slot[o->slot].mem + (size_t)(slot[o->slot].offset + i) * ag_dtype_size(o->type);
}

static void store(const ag_host_program *hp, int i, const ag_binding *slot, const char *const *reg,
                  int64_t start, int64_t n) {
  static const ag_pick no_pick = {0};
  const ag_program *p = &hp->k->prog;
  const ag_operand *o = &p->out[i];
  const char *from = reg[p->outreg[i]];
  size_t bytes = (size_t)n * ag_dtype_size(o->type);
  if (!o->contiguous) {
    positions at = positions_of(i ? &no_pick : &p->put, reg);
    scatter(p, o, element(o, slot, 0), from, &at, start, n);
    return;
  }
  char *to = element(o, slot, o->at.base + start);
  if (hp->streams) hp->isa->stream(bytes, to, from);
  else if (to != from) memcpy(to, from, bytes);
}

/* -- evaluating ---------------------------------------------------------------------------- */
void ag_host_program_begin(const ag_host_program *hp, char *scratch, int64_t n) {
  const ag_program *p = &hp->k->prog;
  if (n > hp->block) n = hp->block;
  for (int j = 0; j < hp->nkonst; j++) {
    const ag_instr *in = &p->instr[hp->konst[j]];
    char *dst = scratch + (size_t)hp->step[hp->konst[j]].scratch * AG_HOST_BLOCK * 4;
    double v = p->konst[in->index].value;
    if (in->type == AG_F64)
      for (int64_t i = 0; i < n; i++) ((double *)dst)[i] = v;
    else if (in->type == AG_F32)
      for (int64_t i = 0; i < n; i++) ((float *)dst)[i] = (float)v;
    else
      for (int64_t i = 0; i < n; i++) ((int32_t *)dst)[i] = v != v ? AG_NA_INT : (int32_t)v;
  }
}

static char *destination(const ag_host_program *hp, int r, const ag_binding *slot, char *scratch,
                         int64_t start) {
  const ag_host_step *s = &hp->step[r];
  if (s->out < 0) return scratch + (size_t)s->scratch * AG_HOST_BLOCK * 4;
  const ag_operand *o = &hp->k->prog.out[s->out];
  return element(o, slot, o->at.base + start);
}

/* Fills reg[], which point to the values of the registers. */
static void evaluate(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                     int64_t start, int64_t n, const char **reg) {
  const ag_program *p = &hp->k->prog;
  for (int r = 0; r < p->ninstr; r++) {
    const ag_instr *in = &p->instr[r];
    const ag_host_step *s = &hp->step[r];
    if (s->scratch < 0 && s->out < 0) { /* a pointer into a slot */
      const ag_operand *o = in->kind == AG_I_ACC ? &p->out[0] : &p->in[in->index];
      reg[r] = element(o, slot, o->at.base + start);
      continue;
    }
    char *dst = destination(hp, r, slot, scratch, start);
    reg[r] = dst;
    if (s->loop) {
      const char *any = in->arg[0] >= 0   ? reg[in->arg[0]]
                        : in->arg[1] >= 0 ? reg[in->arg[1]]
                        : in->arg[2] >= 0 ? reg[in->arg[2]]
                                          : dst;
      s->loop(n, dst, in->arg[0] >= 0 ? reg[in->arg[0]] : any,
              in->arg[1] >= 0 ? reg[in->arg[1]] : any, in->arg[2] >= 0 ? reg[in->arg[2]] : any);
    } else if (in->kind == AG_I_TAKE) {
      take(hp, in, dst, slot, reg, start, n);
    } else if (in->kind != AG_I_CONST) {
      fill(hp, in, dst, slot, start, n);
    }
  }
  for (int i = 0; i < p->nout; i++)
    if (!hp->direct[i]) store(hp, i, slot, reg, start, n);
}

const void *ag_host_program_eval(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                                 int64_t start, int64_t n, int want) {
  const char *reg[AG_MAX_INSTR];
  evaluate(hp, slot, scratch, start, n, reg);
  return want < 0 ? NULL : reg[want];
}

void ag_host_program_pair(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                          int64_t start, int64_t n, const int want[2], const void *value[2]) {
  const char *reg[AG_MAX_INSTR];
  evaluate(hp, slot, scratch, start, n, reg);
  for (int i = 0; i < 2; i++) value[i] = reg[want[i]];
}

int64_t ag_host_program_reach(const ag_host_program *hp, int want) {
  return hp->k->prog.ninstr == 1 && hp->step[want].scratch < 0 ? INT64_MAX : hp->block;
}

void ag_host_program_run(const ag_host_program *hp, const ag_binding *slot, char *scratch,
                         int64_t start, int64_t n) {
  for (int64_t i = 0; i < n; i += hp->block)
    (void)ag_host_program_eval(hp, slot, scratch, start + i, n - i < hp->block ? n - i : hp->block,
                               -1);
  if (hp->streams) hp->isa->stream_end();
}
