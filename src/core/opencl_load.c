/* The OpenCL loader: opened at first use, so that the package needs none to be installed. */
#include "opencl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
static void *library_open(const char *name) { return (void *)LoadLibraryA(name); }
static void *library_symbol(void *library, const char *name) {
  FARPROC p = GetProcAddress((HMODULE)library, name);
  void *symbol = NULL;
  memcpy(&symbol, &p, sizeof symbol);
  return symbol;
}
static void library_close(void *library) { FreeLibrary((HMODULE)library); }
#else
#include <dlfcn.h>
static void *library_open(const char *name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }
static void *library_symbol(void *library, const char *name) { return dlsym(library, name); }
static void library_close(void *library) { dlclose(library); }
#endif

#if defined(_WIN32)
static const char *const places[] = {"OpenCL.dll", NULL};
#define ADVICE "install the driver of your GPU, which brings OpenCL.dll"
#elif defined(__APPLE__)
static const char *const places[] = {"/System/Library/Frameworks/OpenCL.framework/OpenCL", NULL};
#define ADVICE "it is part of macOS, but was not found"
#else
static const char *const places[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
#define ADVICE                                                                                     \
  "install it (Debian, Ubuntu: ocl-icd-libopencl1, and the driver of your GPU; "                   \
  "pocl-opencl-icd runs OpenCL on the CPU)"
#endif

ag_cl_functions ag_cl;

static const char *const function_name[] = {
#define CL_FUN(type, name, args) "cl" #name,
#include "opencl.def"
#undef CL_FUN
};
#define NFUNCTIONS (sizeof function_name / sizeof *function_name)

/* ag_cl is nothing but function pointers in the order of the table. POSIX and Windows
 * promise that a function's address fits a data pointer; C does not, so it is copied. */
static const char *look_up(void *library) {
  unsigned char *at = (unsigned char *)&ag_cl;
  for (size_t i = 0; i < NFUNCTIONS; i++) {
    void *symbol = library_symbol(library, function_name[i]);
    if (!symbol) return function_name[i];
    memcpy(at + i * sizeof symbol, &symbol, sizeof symbol);
  }
  return NULL;
}

static void *open_any(const char *chosen) {
  if (chosen && *chosen) return library_open(chosen);
  void *library = NULL;
  for (int i = 0; places[i] && !library; i++) library = library_open(places[i]);
  return library;
}

/* The library stays loaded for good: drivers do not survive being unloaded. */
int ag_cl_load(char *problem, size_t size) {
  static void *library;
  const char *chosen = getenv("ANYGPU_OPENCL_LIB"), *missing;
  if (chosen && !strcmp(chosen, "none")) {
    snprintf(problem, size, "switched off by ANYGPU_OPENCL_LIB=none");
    return 0;
  }
  if (library) return 1;
  library = open_any(chosen);
  if (!library) {
    if (chosen && *chosen)
      snprintf(problem, size, "the OpenCL loader %s (ANYGPU_OPENCL_LIB) cannot be loaded", chosen);
    else snprintf(problem, size, "the OpenCL loader (%s) is missing: " ADVICE, places[0]);
    return 0;
  }
  missing = look_up(library);
  if (!missing) return 1;
  snprintf(problem, size, "the OpenCL loader has no %s: OpenCL 1.2 or later is needed", missing);
  library_close(library);
  library = NULL;
  return 0;
}

const char *ag_cl_error_name(cl_int error) {
  switch (error) {
#define CL_ERROR(name, value)                                                                      \
  case value:                                                                                      \
    return #name;
#include "opencl.def"
#undef CL_ERROR
  case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
  default: return NULL;
  }
}

ag_status ag_cl_fail(const char *call, cl_int error) {
  int memory = error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_HOST_MEMORY ||
               error == CL_OUT_OF_RESOURCES || error == CL_INVALID_BUFFER_SIZE;
  const char *name = ag_cl_error_name(error);
  ag_status status = memory ? AG_E_MEMORY : AG_E_DEVICE;
  if (name) return ag_fail(status, "%s: %s", call, name);
  return ag_fail(status, "%s: OpenCL error %d", call, (int)error);
}
