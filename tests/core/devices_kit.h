/* The main() of tests that run on `host` and, where there is one, on an OpenCL device. */
#ifndef DEVICES_KIT_H
#define DEVICES_KIT_H

#include "check.h"
#include "core.h"

static void print_log(const char *line) { fprintf(stderr, "%s\n", line); }

/* argv[1]: the folder of the kernels. */
static int on_devices(int argc, char **argv, void (*test)(ag_device *d, int opencl)) {
  ag_device *d;
  int skipped = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  ag_hook_log = print_log;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  CHECK_OK(ag_device_find(&d, "host"));
  test(d, 0);
  if (ag_device_find(&d, "opencl") == AG_OK) {
    test(d, 1);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  CHECK(ag_array_live() == 0, "%d arrays are left", (int)ag_array_live());
  ag_device_shutdown();
  return check_summary(skipped);
}

#endif
