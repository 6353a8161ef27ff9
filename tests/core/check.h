/* The few macros that the C tests share. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int checks_passed, checks_failed;

#define CHECK(condition, ...)                                                                      \
  do {                                                                                             \
    if (condition) {                                                                               \
      checks_passed++;                                                                             \
    } else {                                                                                       \
      checks_failed++;                                                                             \
      printf("FAIL %s:%d: %s: ", __FILE__, __LINE__, #condition);                                  \
      printf(__VA_ARGS__);                                                                         \
      printf("\n");                                                                                \
    }                                                                                              \
  } while (0)

#define CHECK_OK(call) CHECK((call) == AG_OK, "%s", ag_error_message())

static int check_summary(int skipped) {
  printf("%d passed, %d failed, %d skipped\n", checks_passed, checks_failed, skipped);
  return checks_failed != 0;
}

#endif
