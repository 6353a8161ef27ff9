/* Convolutions on the host. */
#include "host_launch.h"

ag_status ag_host_conv(const ag_host_program *hp, const ag_binding *slot) {
  (void)hp, (void)slot;
  return ag_fail(AG_E_BUILD, "convolutions do not run on the host yet");
}
