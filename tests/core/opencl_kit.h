/* What the tests of the OpenCL device share: kernels described by hand, run on
 * slots that hold doubles here and any dtype on the device. */
#ifndef OPENCL_KIT_H
#define OPENCL_KIT_H

#include "values_kit.h"

static ag_kernel *kernel; /* of the test in hand */
static ag_buffer *slot_buffer[40];
static ag_binding slot_binding[40];

static void start_kernel(ag_kernel_kind kind) {
  free(kernel);
  kernel = calloc(1, sizeof *kernel);
  kernel->kind = kind;
  kernel->prog.nd = 1;
}

static void set_dims(int nd, const int64_t *dim) {
  kernel->prog.nd = nd;
  kernel->prog.count = 1;
  for (int q = 0; q < nd; q++) kernel->prog.count *= kernel->prog.dim[q] = dim[q];
}

static float na_float(void) {
  const uint32_t bits = 0x7FC007A2;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static int is_na(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x != x && (uint32_t)bits == 1954;
}
static int is_na_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x != x && (bits & 0x3FFFFF) == 1954;
}

/* Slot s holds n values of `type`, from element `offset` on. */
static void fill_slot(int s, ag_dtype type, int64_t n, const double *values, int64_t offset) {
  const size_t size = ag_dtype_size(type);
  unsigned char *bytes = calloc((size_t)(n + offset) + 1, size);
  for (int64_t i = 0; i < n; i++) {
    unsigned char *at = bytes + (size_t)(i + offset) * size;
    float f = is_na(values[i]) ? na_float() : (float)values[i];
    int32_t k = values[i] != values[i] ? AG_NA_INT : (int32_t)values[i];
    if (type == AG_F64) memcpy(at, &values[i], 8);
    else if (type == AG_F32) memcpy(at, &f, 4);
    else memcpy(at, &k, 4);
  }
  ag_buffer_release(slot_buffer[s]);
  slot_buffer[s] = NULL;
  CHECK_OK(ag_buffer_new(&slot_buffer[s], dev, (size_t)(n + offset + 1) * size));
  CHECK_OK(ag_buffer_write(slot_buffer[s], 0, bytes, (size_t)(n + offset) * size));
  slot_binding[s] = (ag_binding){slot_buffer[s]->mem, offset};
  free(bytes);
}

static double *read_slot(int s, ag_dtype type, int64_t n) {
  const size_t size = ag_dtype_size(type);
  unsigned char *bytes = calloc((size_t)n + 1, size);
  double *values = calloc((size_t)n + 1, sizeof *values);
  CHECK_OK(ag_buffer_read(slot_buffer[s], bytes, (size_t)slot_binding[s].offset * size,
                          (size_t)n * size));
  for (int64_t i = 0; i < n; i++) {
    const unsigned char *at = bytes + (size_t)i * size;
    float f;
    int32_t k;
    memcpy(&f, at, 4);
    memcpy(&k, at, 4);
    if (type == AG_F64) memcpy(&values[i], at, 8);
    else if (type == AG_F32) values[i] = is_na_float(f) ? na_real() : (double)f;
    else values[i] = k == AG_NA_INT ? na_real() : k;
  }
  free(bytes);
  return values;
}

static void drop_slots(void) {
  for (int s = 0; s < 40; s++) {
    ag_buffer_release(slot_buffer[s]);
    slot_buffer[s] = NULL;
  }
  free(kernel);
  kernel = NULL;
}

static void run_kernel(void) {
  CHECK_OK(ag_device_build(dev, kernel));
  if (kernel->code) CHECK_OK(ag_device_launch(dev, kernel, slot_binding));
}
static void end_kernel(void) { dev->table->unbuild(dev, kernel); }

/* -- programs -------------------------------------------------------------------------------- */
static inline ag_operand contiguous(int slot, ag_dtype type) {
  return (ag_operand){
      .slot = slot, .type = type, .contiguous = 1, .at = {.stride = {1}, .step = 1}};
}

static int add_instr(ag_instr in) {
  kernel->prog.instr[kernel->prog.ninstr] = in;
  return kernel->prog.ninstr++;
}
static int add_load(ag_operand o) {
  kernel->prog.in[kernel->prog.nin] = o;
  return add_instr(
      (ag_instr){.kind = AG_I_LOAD, .type = o.type, .from = o.type, .index = kernel->prog.nin++});
}
static int add_const(ag_dtype type, double value) {
  const int i = kernel->prog.nkonst++;
  kernel->prog.konst[i].value = value;
  kernel->prog.konst[i].param = -1;
  return add_instr((ag_instr){.kind = AG_I_CONST, .type = type, .from = type, .index = i});
}
static int add_op(int op, ag_dtype type, ag_dtype from, int a, int b, int y) {
  return add_instr(
      (ag_instr){.kind = AG_I_OP, .type = type, .from = from, .op = op, .arg = {a, b, y}});
}
static void add_out(int reg, ag_operand o) {
  kernel->prog.out[kernel->prog.nout] = o;
  kernel->prog.outreg[kernel->prog.nout++] = reg;
}

static int close_opencl(void) {
  drop_slots();
  CHECK(ag_device_memory(dev).live_buffers == 0, "buffers leak");
  ag_device_shutdown();
  return check_summary(0);
}

#endif
