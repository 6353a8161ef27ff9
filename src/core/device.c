/* The registry of devices: which there are, which is the default, opening on first use. */
#include "device.h"
#include "device_table.h"
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

#define MAX_DEVICES 32

static ag_device *device[MAX_DEVICES];
static int ndevices;
static int probed; /* OpenCL was looked for */
static char kernel_dir[4096] = "inst/kernels";

void ag_device_set_kernel_dir(const char *dir) { strncpy(kernel_dir, dir, sizeof kernel_dir - 1); }
const char *ag_device_kernel_dir(void) { return kernel_dir; }

size_t ag_dtype_size(ag_dtype type) { return type == AG_F64 ? 8 : type == AG_B16 ? 2 : 4; }

const char *ag_dtype_name(ag_dtype type) {
  static const char *const name[] = {"float64", "float32", "int32", "logical", "bfloat16"};
  return name[type];
}

static void add_host(void) {
  if (ndevices) return;
  device[0] = ag_host_new();
  if (device[0]) ndevices = 1;
}

static void probe(void) {
  add_host();
  if (probed) return;
  probed = 1;
  ndevices += ag_opencl_probe(device + ndevices, MAX_DEVICES - ndevices);
  for (int i = 0; i < ndevices; i++)
    ag_log(1, "device %s: %s%s%s", device[i]->id, device[i]->name, *device[i]->driver ? ", " : "",
           device[i]->driver);
}

int ag_device_count(void) {
  probe();
  return ndevices;
}

ag_device *ag_device_get(int i) {
  if (i == 0) add_host();
  else probe();
  return i >= 0 && i < ndevices ? device[i] : NULL;
}

const char *ag_device_opencl_problem(void) {
  probe();
  return ag_opencl_problem();
}

/* A context of another process: this one was forked from it, and its threads are not here. */
static int is_foreign(const ag_device *d) {
  return d->state && d->table != &ag_host_table && d->owner_pid != (long)getpid();
}

ag_status ag_device_check(const ag_device *d) {
  if (!is_foreign(d)) return AG_OK;
  return ag_fail(
      AG_E_DEVICE,
      "%s was opened by the process that this one was forked from, and can only be used there; "
      "use the device \"host\" in forked workers, or a PSOCK cluster",
      d->id);
}

static ag_status open_device(ag_device *d) {
  if (d->state) return ag_device_check(d);
  AG_TRY(d->table->open(d));
  d->owner_pid = (long)getpid();
  ag_log(1, "opened %s (%s)", d->id, d->name);
  return AG_OK;
}

/* In a fork of a process that used OpenCL the default is the host. */
static ag_device *default_device(void) {
  add_host();
  if (ndevices == 0) return NULL;
  for (int i = 1; i < ndevices; i++)
    if (is_foreign(device[i])) return device[0];
  probe();
  for (int i = 1; i < ndevices; i++)
    if (device[i]->is_gpu) return device[i];
  return device[0];
}

static ag_device *first_of_kind(const char *kind) {
  for (int i = 0; i < ndevices; i++)
    if (!strcmp(device[i]->table->kind, kind)) return device[i];
  return NULL;
}

static ag_device *lookup(const char *id) {
  if (!strcmp(id, "host")) {
    add_host();
    return ndevices ? device[0] : NULL;
  }
  probe();
  if (!strcmp(id, "gpu")) {
    for (int i = 0; i < ndevices; i++)
      if (device[i]->is_gpu) return device[i];
    return NULL;
  }
  for (int i = 0; i < ndevices; i++)
    if (!strcmp(device[i]->id, id)) return device[i];
  return first_of_kind(id);
}

static ag_status unknown(const char *id) {
  char list[600] = "";
  for (int i = 0; i < ndevices; i++) {
    if (i) strncat(list, ", ", sizeof list - strlen(list) - 1);
    strncat(list, device[i]->id, sizeof list - strlen(list) - 1);
  }
  const char *why = ag_opencl_problem();
  return ag_fail(AG_E_DEVICE, "there is no device \"%s\"; devices here: %s%s%s", id, list,
                 *why ? ". OpenCL: " : "", why);
}

ag_status ag_device_find(ag_device **out, const char *id) {
  ag_device *d = id && *id ? lookup(id) : default_device();
  if (!d) return unknown(id ? id : "");
  AG_TRY(open_device(d));
  *out = d;
  return AG_OK;
}

void ag_device_shutdown(void) {
  for (int i = 0; i < ndevices; i++) {
    ag_device *d = device[i];
    if (d->state && !is_foreign(d)) {
      ag_device_trim(d);
      d->table->close(d);
    }
    free(d->pool);
    free(d);
  }
  ndevices = probed = 0;
}
