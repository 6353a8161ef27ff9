/* Nodes that a test builds, released together. */
#ifndef OWNED_KIT_H
#define OWNED_KIT_H

static ag_array *made[400];
static int nmade;

static ag_array *own(ag_status status, ag_array *x) {
  CHECK(status == AG_OK, "%s", ag_error_message());
  return made[nmade++] = x;
}
static void release_all(void) {
  for (int i = 0; i < nmade; i++) ag_array_release(made[i]);
  nmade = 0;
}

#endif
