/* Programs of the OpenCL device: built from text once, kept by their text; and
 * kernels bound to them and launched. */
#include "opencl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the program cache ----------------------------------------------------------------------- */
/* FNV-1a, of eight characters at a time; texts are long, and looked up at each launch. */
static uint64_t hash_text(const char *text) {
  uint64_t h = 14695981039346656037u, word = 0;
  size_t n = strlen(text);
  for (; n > 0; text += n < 8 ? n : 8, n -= n < 8 ? n : 8) {
    memcpy(&word, text, n < 8 ? n : 8);
    h = (h ^ word) * 1099511628211u;
    h ^= h >> 32; /* high bits of a product do not reach the low ones by themselves */
  }
  return h;
}

static void add_numbered(ag_strbuf *out, const char *source) {
  for (int line = 1; *source; line++) {
    size_t n = strcspn(source, "\n");
    ag_strbuf_add(out, "%4d  %.*s\n", line, (int)n, source);
    source += n + (source[n] == '\n');
  }
}

static ag_status build_error(ag_cl_state *s, cl_program program, cl_int error, const char *source) {
  size_t size = 0;
  ag_strbuf text = {0};
  const char *name = ag_cl_error_name(error);
  ag_strbuf_add(&text, "a kernel does not build (%s):\n", name ? name : "unknown error");
  (void)ag_cl.GetProgramBuildInfo(program, s->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
  char *log = calloc(size + 1, 1);
  if (log && ag_cl.GetProgramBuildInfo(program, s->id, CL_PROGRAM_BUILD_LOG, size, log, NULL) ==
                 CL_SUCCESS)
    ag_strbuf_add(&text, "%s\n", log);
  free(log);
  add_numbered(&text, source);
  if (text.failed) {
    ag_strbuf_drop(&text);
    return ag_fail(AG_E_BUILD, "a kernel does not build, and memory for its log ran out");
  }
  return ag_fail_text(AG_E_BUILD, text.text);
}

static ag_status compile(ag_cl_state *s, const char *options, const char *source, cl_program *out) {
  cl_int error = CL_SUCCESS;
  cl_program program = ag_cl.CreateProgramWithSource(s->context, 1, &source, NULL, &error);
  if (!program) return ag_cl_fail("clCreateProgramWithSource", error);
  error = ag_cl.BuildProgram(program, 1, &s->id, options, NULL, NULL);
  if (error != CL_SUCCESS) {
    ag_status status = build_error(s, program, error, source);
    CL_DROP(Program, program);
    return status;
  }
  *out = program;
  return AG_OK;
}

static void log_source(const ag_device *d, const char *source) {
  if (ag_log_level() < 4) return;
  ag_strbuf text = {0};
  add_numbered(&text, source);
  for (char *line = text.text; line && *line;) { /* the log takes lines */
    size_t n = strcspn(line, "\n");
    ag_log(4, "%s %.*s", d->id, (int)n, line);
    line += n + (line[n] == '\n');
  }
  ag_strbuf_drop(&text);
}

ag_status ag_cl_program_get(ag_device *d, const char *options, const char *source,
                            cl_program *out) {
  ag_cl_state *s = d->state;
  uint64_t hash = hash_text(source) ^ hash_text(options) * 31;
  ag_cl_program **bucket = &s->bucket[hash % AG_CL_BUCKETS];
  for (ag_cl_program *p = *bucket; p; p = p->next)
    if (p->hash == hash && !strcmp(p->source, source) && !strcmp(p->options, options)) {
      ag_stat.cache_hits++;
      *out = p->program;
      return AG_OK;
    }
  log_source(d, source);
  size_t length = strlen(source) + 1;
  ag_cl_program *p = calloc(1, sizeof *p + length);
  if (!p) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = compile(s, options, source, &p->program);
  if (status != AG_OK) {
    free(p);
    return status;
  }
  ag_stat.builds++;
  p->hash = hash;
  snprintf(p->options, sizeof p->options, "%s", options);
  memcpy(p->source, source, length);
  p->next = *bucket;
  *bucket = p;
  *out = p->program;
  return AG_OK;
}

void ag_cl_program_drop_all(ag_cl_state *s) {
  for (int i = 0; i < AG_CL_BUCKETS; i++)
    for (ag_cl_program *p = s->bucket[i], *next; p; p = next) {
      next = p->next;
      CL_DROP(Program, p->program);
      free(p);
      s->bucket[i] = next;
    }
}

/* -- the compiled form of an ag_kernel ------------------------------------------------------- */
typedef struct {
  cl_kernel kernel; /* owned */
  size_t global, local;
  int nargs;
  ag_cg_arg *arg; /* owned; those to be set at each launch */
  int *position;  /* owned; of each in the kernel's argument list */
} stage;

typedef struct {
  int nstages;
  int64_t npass;
  stage stage[AG_CG_MAX_STAGES];
} code;

static ag_status set_arg(cl_kernel kernel, int position, size_t size, const void *value) {
  CL_TRY(SetKernelArg(kernel, (cl_uint)position, size, value));
  return AG_OK;
}

static ag_status build_stage(stage *st, const ag_cg_stage *from, cl_program program) {
  cl_int error = CL_SUCCESS;
  st->kernel = ag_cl.CreateKernel(program, from->entry, &error);
  if (!st->kernel) return ag_cl_fail("clCreateKernel", error);
  st->global = from->global;
  st->local = from->local;
  st->arg = calloc((size_t)from->nargs + 1, sizeof *st->arg);
  st->position = calloc((size_t)from->nargs + 1, sizeof *st->position);
  if (!st->arg || !st->position) return ag_fail(AG_E_MEMORY, "out of memory");
  for (int i = 0; i < from->nargs; i++) {
    if (from->arg[i].kind == AG_ARG_LONG) {
      cl_long value = from->arg[i].value;
      AG_TRY(set_arg(st->kernel, i, sizeof value, &value));
      continue;
    }
    st->arg[st->nargs] = from->arg[i];
    st->position[st->nargs++] = i;
  }
  return AG_OK;
}

static ag_status scratch_error(cl_int error, size_t bytes) {
  const char *name = ag_cl_error_name(error);
  return ag_fail(AG_E_MEMORY,
                 "a kernel needs %.1f MB of memory for itself, which the device has not "
                 "(%s)",
                 (double)bytes / 1e6, name ? name : "unknown error");
}

/* The scratch buffers belong to the device: kernels of an in-order queue do not meet in them. */
static ag_status grow_scratch(ag_cl_state *s, const ag_cg_source *src) {
  for (int i = 0; i < AG_CG_MAX_SCRATCH; i++) {
    if (src->scratch[i] <= s->scratch_bytes[i]) continue;
    cl_int error = CL_SUCCESS;
    cl_mem mem = ag_cl.CreateBuffer(s->context, CL_MEM_READ_WRITE, src->scratch[i], NULL, &error);
    if (!mem) return scratch_error(error, src->scratch[i]);
    CL_DROP(MemObject, s->scratch[i]);
    s->scratch[i] = mem;
    s->scratch_bytes[i] = src->scratch[i];
  }
  return AG_OK;
}

static ag_status build_code(ag_device *d, code *c, const ag_cg_source *src) {
  ag_cl_state *s = d->state;
  char options[sizeof s->options + 40];
  cl_program program;
  if (src->nstages == 0) return AG_OK;
  snprintf(options, sizeof options, "%s%s", s->options,
           src->f64 ? " -DAG_FP64" : " -cl-single-precision-constant");
  AG_TRY(ag_cl_program_get(d, options, ag_strbuf_get(&src->text), &program));
  AG_TRY(grow_scratch(s, src));
  c->npass = src->npass;
  for (; c->nstages < src->nstages; c->nstages++)
    AG_TRY(build_stage(&c->stage[c->nstages], &src->stage[c->nstages], program));
  return AG_OK;
}

ag_status ag_cl_build(ag_device *d, ag_kernel *k) {
  ag_cl_state *s = d->state;
  if (k->kind == AG_K_MATMUL) ag_cl_tune_first(d, k);
  ag_cg_source *src = calloc(1, sizeof *src);
  code *c = calloc(1, sizeof *c);
  ag_status status =
      src && c ? ag_cg_generate(src, k, &s->target) : ag_fail(AG_E_MEMORY, "out of memory");
  if (status == AG_OK) status = build_code(d, c, src);
  if (src) ag_strbuf_drop(&src->text);
  free(src);
  k->code = c;
  if (status != AG_OK) ag_cl_unbuild(d, k);
  return status;
}

void ag_cl_unbuild(ag_device *d, ag_kernel *k) {
  (void)d;
  code *c = k->code;
  if (!c) return;
  for (int i = 0; i < AG_CG_MAX_STAGES; i++) {
    CL_DROP(Kernel, c->stage[i].kernel);
    free(c->stage[i].arg);
    free(c->stage[i].position);
  }
  free(c);
  k->code = NULL;
}

/* -- launching ------------------------------------------------------------------------------- */
/* NA stays NA: see prelude.cl. */
static float float_of(double value) {
  uint64_t bits;
  const uint32_t na = 0x7FC007A2;
  float result = (float)value;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value) && (uint32_t)bits == 1954) memcpy(&result, &na, sizeof result);
  return result;
}

static ag_status set_const(cl_kernel kernel, int position, ag_dtype type, double value) {
  cl_int as_int = isnan(value) ? AG_NA_INT : (cl_int)value;
  float as_float = float_of(value);
  switch (type) {
  case AG_F64: return set_arg(kernel, position, sizeof value, &value);
  case AG_F32: return set_arg(kernel, position, sizeof as_float, &as_float);
  default: return set_arg(kernel, position, sizeof as_int, &as_int);
  }
}

static ag_status set_launch_arg(ag_cl_state *s, cl_kernel kernel, int position, const ag_cg_arg *a,
                                const ag_kernel *k, const ag_binding *slot, cl_long pass) {
  cl_long number;
  cl_mem mem;
  switch (a->kind) {
  case AG_ARG_SLOT: mem = slot[a->index].mem; return set_arg(kernel, position, sizeof mem, &mem);
  case AG_ARG_SCRATCH: return set_arg(kernel, position, sizeof(cl_mem), &s->scratch[a->index]);
  case AG_ARG_OFFSET:
    number = slot[a->index].offset + a->value;
    return set_arg(kernel, position, sizeof number, &number);
  case AG_ARG_CONST: return set_const(kernel, position, a->type, k->prog.konst[a->index].value);
  case AG_ARG_KEY: return set_arg(kernel, position, sizeof(cl_ulong), &k->prog.key[a->index].value);
  default: return set_arg(kernel, position, sizeof pass, &pass);
  }
}

static ag_status launch_stage(ag_cl_state *s, const stage *st, const ag_kernel *k,
                              const ag_binding *slot, int64_t pass) {
  for (int i = 0; i < st->nargs; i++)
    AG_TRY(set_launch_arg(s, st->kernel, st->position[i], &st->arg[i], k, slot, pass));
  CL_TRY(
      EnqueueNDRangeKernel(s->queue, st->kernel, 1, NULL, &st->global, &st->local, 0, NULL, NULL));
  return AG_OK;
}

ag_status ag_cl_launch(ag_device *d, const ag_kernel *k, const ag_binding *slot) {
  ag_cl_state *s = d->state;
  const code *c = k->code;
  for (int64_t pass = 0; pass < c->npass; pass++)
    for (int i = 0; i < c->nstages; i++) AG_TRY(launch_stage(s, &c->stage[i], k, slot, pass));
  if (c->nstages) CL_TRY(Flush(s->queue));
  return AG_OK;
}
