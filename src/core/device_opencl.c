/* The OpenCL device: which there are, contexts, memory. One context and one
 * in-order queue per open device, so launches, transfers and reuse of freed
 * memory need no events. Programs and launches: opencl_program.c. */
#include "opencl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PLATFORMS 16
#define MAX_DEVICES   32

static cl_device_id device_id[MAX_DEVICES]; /* by ag_device.index; fixed once probed */
static char problem[512];

const char *ag_opencl_problem(void) { return problem; }

/* -- probing --------------------------------------------------------------------------------- */
static cl_ulong device_number(cl_device_id id, cl_device_info what) {
  /* answers of 1, 4 or 8 bytes; all supported machines are little-endian */
  cl_ulong value = 0;
  if (ag_cl.GetDeviceInfo(id, what, sizeof value, &value, NULL) != CL_SUCCESS) return 0;
  return value;
}

static void device_text(cl_device_id id, cl_device_info what, char *text, size_t size) {
  char answer[4096] = "";
  if (ag_cl.GetDeviceInfo(id, what, sizeof answer - 1, answer, NULL) != CL_SUCCESS) *answer = 0;
  snprintf(text, size, "%.*s", (int)size - 1, answer);
}

static int has_extension(cl_device_id id, const char *name) {
  size_t size = 0, length = strlen(name);
  if (ag_cl.GetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &size) != CL_SUCCESS) return 0;
  char *all = calloc(size + 1, 1);
  int found = 0;
  if (all && ag_cl.GetDeviceInfo(id, CL_DEVICE_EXTENSIONS, size, all, NULL) == CL_SUCCESS)
    for (const char *at = strstr(all, name); at && !found; at = strstr(at + 1, name))
      found = at[length] == ' ' || at[length] == 0;
  free(all);
  return found;
}

static int is_usable(cl_device_id id) {
  return device_number(id, CL_DEVICE_AVAILABLE) && device_number(id, CL_DEVICE_COMPILER_AVAILABLE);
}

static void driver_text(cl_platform_id platform, cl_device_id id, char *text, size_t size) {
  char name[100] = "", version[80] = "";
  if (ag_cl.GetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) != CL_SUCCESS)
    *name = 0;
  device_text(id, CL_DRIVER_VERSION, version, sizeof version);
  snprintf(text, size, "%s, driver %s", name, version);
}

static ag_device *new_device(cl_platform_id platform, cl_device_id id, int index) {
  ag_device *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  cl_ulong type = device_number(id, CL_DEVICE_TYPE);
  d->table = &ag_opencl_table;
  d->index = index;
  snprintf(d->id, sizeof d->id, "opencl:%d", index);
  device_text(id, CL_DEVICE_NAME, d->name, sizeof d->name);
  driver_text(platform, id, d->driver, sizeof d->driver);
  d->is_gpu = (type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR)) != 0;
  d->has_f64 = has_extension(id, "cl_khr_fp64");
  d->compute_units = (int)device_number(id, CL_DEVICE_MAX_COMPUTE_UNITS);
  d->memory = (size_t)device_number(id, CL_DEVICE_GLOBAL_MEM_SIZE);
  d->max_alloc = (size_t)device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
  d->has_tensor = has_extension(id, "cl_nv_device_attribute_query") &&
                  device_number(id, CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV) >= 8;
  device_id[index] = id;
  return d;
}

static int probe_platform(cl_platform_id platform, ag_device **devices, int n, int max) {
  cl_device_id id[MAX_DEVICES];
  cl_uint found = 0;
  cl_device_type kinds = CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR;
  if (ag_cl.GetDeviceIDs(platform, kinds, MAX_DEVICES, id, &found) != CL_SUCCESS) return n;
  if (found > MAX_DEVICES) found = MAX_DEVICES;
  for (cl_uint i = 0; i < found && n < max && n < MAX_DEVICES; i++) {
    if (!is_usable(id[i])) continue;
    devices[n] = new_device(platform, id[i], n);
    if (devices[n]) n++;
  }
  return n;
}

int ag_opencl_probe(ag_device **devices, int max) {
  cl_platform_id platform[MAX_PLATFORMS];
  cl_uint found = 0;
  int n = 0;
  *problem = 0;
  if (!ag_cl_load(problem, sizeof problem)) return 0;
  if (ag_cl.GetPlatformIDs(MAX_PLATFORMS, platform, &found) != CL_SUCCESS || found == 0) {
    snprintf(problem, sizeof problem,
             "the OpenCL loader is there, but no platform: install the OpenCL driver of your GPU "
             "(Debian, Ubuntu: mesa-opencl-icd, intel-opencl-icd, nvidia-opencl-icd; "
             "pocl-opencl-icd for the CPU)");
    return 0;
  }
  if (found > MAX_PLATFORMS) found = MAX_PLATFORMS;
  for (cl_uint i = 0; i < found; i++) n = probe_platform(platform[i], devices, n, max);
  if (n == 0)
    snprintf(problem, sizeof problem,
             "OpenCL has %d platform%s, but no device that can be used: is the GPU's kernel driver "
             "loaded, and may "
             "this user open it (Linux: groups render and video)?",
             (int)found, found == 1 ? "" : "s");
  return n;
}

/* -- opening --------------------------------------------------------------------------------- */
static void set_target(ag_cg_target *t, const ag_device *d, cl_device_id id) {
  int native = (int)device_number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT);
  t->is_gpu = d->is_gpu;
  t->has_f64 = d->has_f64;
  t->units = d->compute_units > 0 ? d->compute_units : 1;
  t->group = (int)device_number(id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
  t->local = (size_t)device_number(id, CL_DEVICE_LOCAL_MEM_SIZE);
  t->most = d->max_alloc;
  t->tensor = d->has_tensor ? AG_TENSOR_PTX : AG_TENSOR_NONE;
  t->lanes = d->is_gpu ? 1 : native >= 16 ? 16 : native >= 8 ? 8 : 4;
}

static ag_status open_queue(ag_cl_state *s) {
  cl_int error = CL_SUCCESS;
  s->context = ag_cl.CreateContext(NULL, 1, &s->id, NULL, NULL, &error);
  if (!s->context) return ag_cl_fail("clCreateContext", error);
  s->queue = ag_cl.CreateCommandQueue(s->context, s->id, 0, &error);
  return s->queue ? AG_OK : ag_cl_fail("clCreateCommandQueue", error);
}

static void close_state(ag_cl_state *s) {
  ag_cl_program_drop_all(s);
  for (int i = 0; i < AG_CG_MAX_SCRATCH; i++) CL_DROP(MemObject, s->scratch[i]);
  CL_DROP(CommandQueue, s->queue);
  CL_DROP(Context, s->context);
  free(s);
}

static ag_status device_open(ag_device *d) {
  ag_cl_state *s = calloc(1, sizeof *s);
  if (!s) return ag_fail(AG_E_MEMORY, "out of memory");
  s->id = device_id[d->index];
  set_target(&s->target, d, s->id);
  s->tunes = d->is_gpu;
  cl_ulong single = device_number(s->id, CL_DEVICE_SINGLE_FP_CONFIG);
  snprintf(s->options, sizeof s->options, "-w -cl-std=CL1.2%s",
           single & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT ? " -cl-fp32-correctly-rounded-divide-sqrt"
                                                        : "");
  ag_status status = open_queue(s);
  if (status != AG_OK) {
    close_state(s);
    return status;
  }
  d->state = s;
  return AG_OK;
}

static void device_close(ag_device *d) {
  ag_cl_state *s = d->state;
  if (!s) return;
  (void)ag_cl.Finish(s->queue);
  close_state(s);
  d->state = NULL;
}

/* -- memory ---------------------------------------------------------------------------------- */
static ag_status device_alloc(ag_device *d, size_t bytes, void **mem) {
  ag_cl_state *s = d->state;
  cl_int error = CL_SUCCESS;
  *mem = ag_cl.CreateBuffer(s->context, CL_MEM_READ_WRITE, bytes ? bytes : 1, NULL, &error);
  return *mem ? AG_OK : ag_cl_fail("clCreateBuffer", error);
}

/* Kernels in flight hold references of their own. */
static void device_free(ag_device *d, void *mem) {
  (void)d;
  cl_mem m = mem;
  CL_DROP(MemObject, m);
}

static ag_status device_write(ag_device *d, void *mem, size_t offset, const void *src,
                              size_t bytes) {
  ag_cl_state *s = d->state;
  CL_TRY(EnqueueWriteBuffer(s->queue, mem, CL_TRUE, offset, bytes, src, 0, NULL, NULL));
  return AG_OK;
}

static ag_status device_read(ag_device *d, void *dst, void *mem, size_t offset, size_t bytes) {
  ag_cl_state *s = d->state;
  CL_TRY(EnqueueReadBuffer(s->queue, mem, CL_TRUE, offset, bytes, dst, 0, NULL, NULL));
  return AG_OK;
}

static ag_status device_zero(ag_device *d, void *mem, size_t offset, size_t bytes) {
  ag_cl_state *s = d->state;
  const uint32_t zero = 0;
  CL_TRY(EnqueueFillBuffer(s->queue, mem, &zero, sizeof zero, offset, bytes, 0, NULL, NULL));
  return AG_OK;
}

static ag_status device_finish(ag_device *d) {
  ag_cl_state *s = d->state;
  CL_TRY(Finish(s->queue));
  return AG_OK;
}

const ag_device_table ag_opencl_table = {
    .kind = "opencl",
    .open = device_open,
    .close = device_close,
    .alloc = device_alloc,
    .free = device_free,
    .write = device_write,
    .read = device_read,
    .zero = device_zero,
    .build = ag_cl_build,
    .unbuild = ag_cl_unbuild,
    .launch = ag_cl_launch,
    .finish = device_finish,
    .tune = ag_cl_tune,
};
