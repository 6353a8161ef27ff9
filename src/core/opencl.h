/* OpenCL as this package declares it (from opencl.def, no Khronos header), the
 * loader, and the state of an open OpenCL device. For the files opencl_*.c and
 * device_opencl.c only. */
#ifndef AG_OPENCL_H
#define AG_OPENCL_H

#include "codegen.h"
#include "device_table.h"
#include "kernel.h"

#ifdef _WIN32
#define CL_CALL __stdcall
#else
#define CL_CALL
#endif
#define CL_CALLBACK CL_CALL

#define CL_TYPE(name, type) typedef type name;
#define CL_HANDLE(name)     typedef struct _##name *name;
#include "opencl.def"
#undef CL_TYPE
#undef CL_HANDLE

enum {
#define CL_CONST(name, value) name = value,
#define CL_ERROR(name, value) name = value,
#include "opencl.def"
#undef CL_CONST
#undef CL_ERROR
};

/* The functions, looked up in the loader at run time. */
typedef struct {
#define CL_FUN(type, name, args) type(CL_CALL *name) args;
#include "opencl.def"
#undef CL_FUN
} ag_cl_functions;

extern ag_cl_functions ag_cl;
/* Loads the library once. On failure returns 0, and `problem` says what to do. */
int ag_cl_load(char *problem, size_t size);
const char *ag_cl_error_name(cl_int error); /* "CL_OUT_OF_RESOURCES" */
/* Records "<call>: <name of error>"; AG_E_MEMORY or AG_E_DEVICE. */
ag_status ag_cl_fail(const char *call, cl_int error);

/* A call that may fail: records its text and the error's name, and returns. */
#define CL_TRY(call)                                                                               \
  do {                                                                                             \
    cl_int cl_error_ = ag_cl.call;                                                                 \
    if (cl_error_ != CL_SUCCESS) return ag_cl_fail("cl" #call, cl_error_);                         \
  } while (0)
/* A release: cannot fail in a way that anybody could act upon. */
#define CL_DROP(kind, object)                                                                      \
  do {                                                                                             \
    if (object) (void)ag_cl.Release##kind(object);                                                 \
    (object) = NULL;                                                                               \
  } while (0)

/* A built program, found again by its text. */
#define AG_CL_OPTIONS 200
typedef struct ag_cl_program {
  struct ag_cl_program *next;
  uint64_t hash;
  cl_program program; /* owned */
  char options[AG_CL_OPTIONS];
  char source[];
} ag_cl_program;

#define AG_CL_BUCKETS 256
typedef struct {
  cl_device_id id;
  cl_context context;
  cl_command_queue queue;
  ag_cg_target target;               /* what codegen must know of the device */
  int tunes; /* products are measured at first use; not on CPUs, where building takes longest */
  char options[AG_CL_OPTIONS];       /* for every build */
  cl_mem scratch[AG_CG_MAX_SCRATCH]; /* grown on demand by builds */
  size_t scratch_bytes[AG_CG_MAX_SCRATCH];
  ag_cl_program *bucket[AG_CL_BUCKETS]; /* owned */
} ag_cl_state;

/* -- opencl_tune.c --------------------------------------------------------------------------- */
/* Chooses how the products of k's class are computed, if that is still open. */
void ag_cl_tune_first(ag_device *d, const ag_kernel *k);
AG_CHECKED ag_status ag_cl_tune(ag_device *d, double seconds, ag_tuning *report);

/* -- opencl_program.c ------------------------------------------------------------------------ */
/* The built program of `source`, owned by the device's cache. */
AG_CHECKED ag_status ag_cl_program_get(ag_device *d, const char *options, const char *source,
                                       cl_program *out);
void ag_cl_program_drop_all(ag_cl_state *s);
AG_CHECKED ag_status ag_cl_build(ag_device *d, ag_kernel *k);
void ag_cl_unbuild(ag_device *d, ag_kernel *k);
AG_CHECKED ag_status ag_cl_launch(ag_device *d, const ag_kernel *k, const ag_binding *slot);

#endif
