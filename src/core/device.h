/* Devices: a table of functions, and the counted, pooled calls that the rest of
 * the core uses. Device memory is a `void *` that only its device understands
 * (an address on `host`, a cl_mem on `opencl`). */
#ifndef AG_DEVICE_H
#define AG_DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

typedef struct ag_device ag_device;
typedef struct ag_buffer ag_buffer;
struct ag_kernel; /* kernel.h */
struct ag_tuning; /* below */

typedef enum {
  AG_F64,
  AG_F32,
  AG_I32,
  AG_BOOL, /* stored as R does: int32 0, 1, NA */
  AG_B16   /* bfloat16: the upper half of a float32, rounded to nearest even; see ag_expr_keep() */
} ag_dtype;
size_t ag_dtype_size(ag_dtype type);
const char *ag_dtype_name(ag_dtype type); /* "float64", "float32", "int32", "logical", "bfloat16" */
#define AG_NA_INT INT32_MIN

/* What a launch works on: one entry per slot of the kernel. */
typedef struct {
  void *mem;      /* device memory */
  int64_t offset; /* of the slot's first element, in elements */
} ag_binding;

/* The table. Every function but `open` is called on an open device.
 * Nothing here waits for the device, except read, write (until `src` may be reused) and finish. */
typedef struct {
  const char *kind;                                           /* "host", "opencl" */
  ag_status (*open)(ag_device *d);                            /* fills d->state; may be slow */
  void (*close)(ag_device *d);                                /* frees d->state */
  ag_status (*alloc)(ag_device *d, size_t bytes, void **mem); /* caller owns *mem */
  void (*free)(ag_device *d, void *mem);
  ag_status (*write)(ag_device *d, void *mem, size_t offset, const void *src, size_t bytes);
  ag_status (*read)(ag_device *d, void *dst, void *mem, size_t offset, size_t bytes);
  ag_status (*zero)(ag_device *d, void *mem, size_t offset, size_t bytes);
  ag_status (*build)(ag_device *d,
                     struct ag_kernel *k); /* fills k->code; kept in the device's cache */
  void (*unbuild)(ag_device *d, struct ag_kernel *k); /* drops k->code */
  ag_status (*launch)(ag_device *d, const struct ag_kernel *k, const ag_binding *slot);
  ag_status (*finish)(ag_device *d); /* waits for all that was launched */
  ag_status (*tune)(ag_device *d, double seconds, struct ag_tuning *report); /* may be NULL */
} ag_device_table;

struct ag_device {
  const ag_device_table *table;
  char id[32];      /* "host", "opencl:0" */
  char name[256];   /* of the hardware */
  char driver[256]; /* platform and version, "" for host */
  int index;        /* within its kind */
  int is_gpu;
  int has_f64;
  int slow_f64; /* 1: float64 is much slower than float32; -1: it is not; 0: not measured */
  int has_tensor; /* rounds to tf32 and bf16 where that is asked for: see ag_precision */
  int compute_units;
  size_t memory;    /* bytes in all, 0 if unknown */
  size_t max_alloc; /* largest single allocation, 0 if unknown */
  void *state;      /* NULL until open */
  long owner_pid;   /* process that opened it: a fork must not use it (see device.c) */
  struct ag_pool *pool;
};

/* -- registry: nothing is probed before the first call ------------------------------------- */
int ag_device_count(void);       /* probes OpenCL; host is always number 0 */
ag_device *ag_device_get(int i); /* not opened; NULL past the end */
/* NULL or "" means the default: a GPU if there is one, else host. Also "host", "opencl",
 * "opencl:1", "gpu". Opens it. */
AG_CHECKED ag_status ag_device_find(ag_device **out, const char *id);
/* Why OpenCL offers nothing ("" when it does): for gpu_sitrep(). */
const char *ag_device_opencl_problem(void);
/* Folder of the .cl files; set once by the binding before any device is opened. */
void ag_device_set_kernel_dir(const char *dir);
const char *ag_device_kernel_dir(void);
/* Closes all devices and forgets them (tests; unload). Arrays must be gone. */
void ag_device_shutdown(void);

/* -- buffers: counted, pooled ---------------------------------------------------------------- */
struct ag_buffer {
  int refs;
  ag_device *dev;
  size_t bytes;    /* asked for */
  size_t capacity; /* size class */
  void *mem;
  int borrowed; /* not the pool's */
};
/* One reference, owned by the caller. Content undefined. On failure: hook (gc), pool release, one
 * retry, AG_E_MEMORY. */
AG_CHECKED ag_status ag_buffer_new(ag_buffer **out, ag_device *d, size_t bytes);
/* Memory of the caller's, to be read only, which outlives the buffer: where `d` can use it as it is
 * (host); else *out is NULL. */
AG_CHECKED ag_status ag_buffer_borrow(ag_buffer **out, ag_device *d, const void *mem, size_t bytes);
ag_buffer *ag_buffer_retain(ag_buffer *b);
void ag_buffer_release(ag_buffer *b); /* NULL is fine; the memory goes back to the pool */
AG_CHECKED ag_status ag_buffer_write(ag_buffer *b, size_t offset, const void *src, size_t bytes);
AG_CHECKED ag_status ag_buffer_read(ag_buffer *b, void *dst, size_t offset, size_t bytes);
AG_CHECKED ag_status ag_buffer_zero(ag_buffer *b, size_t offset, size_t bytes);
AG_CHECKED ag_status ag_device_build(ag_device *d, struct ag_kernel *k);
AG_CHECKED ag_status ag_device_launch(ag_device *d, const struct ag_kernel *k,
                                      const ag_binding *slot);
AG_CHECKED ag_status ag_device_finish(ag_device *d);
void ag_device_trim(ag_device *d); /* gives the pool's free blocks back to the driver */

/* -- what is counted ----------------------------------------------------------------------- */
typedef struct {
  int64_t launches, builds, cache_hits; /* kernels run, compiled, found in a program cache */
  int64_t uploads, upload_bytes, downloads, download_bytes;
  int64_t allocs, pool_hits; /* blocks from the driver, from the pool */
} ag_stats;
extern ag_stats ag_stat;

typedef struct {
  int64_t live_buffers;
  size_t live_bytes, pool_bytes, peak_bytes, limit; /* limit 0: none */
} ag_memory;
ag_memory ag_device_memory(const ag_device *d);
void ag_device_set_limit(ag_device *d, size_t bytes); /* 0 lifts it */
/* Bytes that new arrays may have: each of them, and all together. SIZE_MAX: nothing is known
 * against it. */
typedef struct {
  size_t each, all;
} ag_room;
ag_room ag_device_room(const ag_device *d);

/* -- tuning ---------------------------------------------------------------------------------- */
typedef struct {
  const char *how, *class; /* "float32", "large": see codegen_variant.h */
  char variant[120];
  double gflops;
  int chosen;
} ag_tuning_row;
#define AG_TUNING_ROWS 96
typedef struct ag_tuning {
  int n;
  ag_tuning_row row[AG_TUNING_ROWS];
} ag_tuning;
/* Measures each way to compute a matrix product for about `seconds` in all, takes the fastest from
 * then on, and reports. Nothing on a device that has one way only. */
AG_CHECKED ag_status ag_device_tune(ag_device *d, double seconds, ag_tuning *report);

/* -- hooks, set by the binding ---------------------------------------------------------------- */
/* Called when memory is short or much was allocated: should free unreachable arrays. May be NULL.
 */
extern void (*ag_hook_gc)(void);
/* The file where what was measured is kept, or NULL: it is not. May be NULL. */
extern const char *(*ag_hook_tuning_file)(void);
/* Nonzero when the user asked to stop; must not jump. May be NULL. */
extern int (*ag_hook_interrupted)(void);

/* The n-th device call from now (alloc, write, read, zero, build, launch, finish) fails; 0 switches
 * off. Tests only. */
void ag_fault_after(long n);

#endif
