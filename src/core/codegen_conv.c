/* CONV kernels. */
#include "codegen_text.h"

ag_status ag_cg_conv(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  (void)src, (void)k, (void)t;
  return ag_fail(AG_E_BUILD, "convolutions do not run on OpenCL devices yet");
}
