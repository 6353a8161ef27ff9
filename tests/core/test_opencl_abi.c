/* opencl.def against the Khronos headers, where they are installed: the size of every type, the
 * value of every constant, the signature of every function. Nothing is called or linked. */
#include "check.h"
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<CL/cl.h>)
#define HAVE_HEADER
#endif
#endif

#ifdef HAVE_HEADER
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>

#define SAME_TYPE(a, b) __builtin_types_compatible_p(a, b)

int main(void) {
#define CL_TYPE(name, type)                                                                        \
  CHECK(sizeof(name) == sizeof(type) && ((name)-1 > 0) == ((type)-1 > 0), "type %s", #name);
#define CL_HANDLE(name) CHECK(SAME_TYPE(name, struct _##name *), "handle %s", #name);
#define CL_CONST(name, value)                                                                      \
  CHECK((long long)(name) == (long long)(value), "%s is %lld", #name, (long long)(name));
#define CL_ERROR(name, value) CL_CONST(name, value)
#define CL_FUN(type, name, args)                                                                   \
  CHECK(SAME_TYPE(__typeof__(cl##name), type args), "cl%s is declared otherwise", #name);
#include "opencl.def"
  return check_summary(0);
}
#else
int main(void) {
  printf("<CL/cl.h> is not installed\n");
  return check_summary(1);
}
#endif
