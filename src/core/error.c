#include "error.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char short_message[1024];
static char *long_message; /* owned; used instead of short_message when set */

ag_status ag_fail(ag_status status, const char *format, ...) {
  va_list args;
  char text[sizeof short_message]; /* the arguments may point into the old message */
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  memcpy(short_message, text, sizeof text);
  free(long_message);
  long_message = NULL;
  ag_log(1, "%s: %s", ag_status_name(status), short_message);
  return status;
}

ag_status ag_fail_text(ag_status status, char *text) {
  if (!text) return ag_fail(status, "out of memory while reporting an error");
  free(long_message);
  long_message = text;
  return status;
}

const char *ag_error_message(void) { return long_message ? long_message : short_message; }

const char *ag_status_name(ag_status status) {
  static const char *const name[] = {
#define X(code, name) name,
      AG_STATUS_TABLE(X)
#undef X
  };
  return name[status];
}

int ag_log_level(void) {
  static int level = -1;
  if (level < 0) {
    const char *text = getenv("ANYGPU_DEBUG");
    level = text ? atoi(text) : 0;
  }
  return level;
}

void (*ag_hook_log)(const char *line);

void ag_log(int level, const char *format, ...) {
  if (level > ag_log_level()) return;
  va_list args;
  char line[4096];
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (ag_hook_log) ag_hook_log(line);
}
