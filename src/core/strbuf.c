#include "strbuf.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reserve(ag_strbuf *s, size_t more) {
  if (s->failed) return 0;
  if (s->length + more + 1 <= s->capacity) return 1;
  size_t capacity = (s->length + more + 1) * 2;
  char *text = realloc(s->text, capacity);
  if (!text) {
    s->failed = 1;
    return 0;
  }
  s->text = text;
  s->capacity = capacity;
  return 1;
}

void ag_strbuf_add(ag_strbuf *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n < 0 || !reserve(s, (size_t)n)) return;
  va_start(args, format);
  vsnprintf(s->text + s->length, (size_t)n + 1, format, args);
  va_end(args);
  s->length += (size_t)n;
}

void ag_strbuf_append(ag_strbuf *s, const char *text) {
  size_t n = strlen(text);
  if (!reserve(s, n)) return;
  memcpy(s->text + s->length, text, n + 1);
  s->length += n;
}

const char *ag_strbuf_get(const ag_strbuf *s) { return s->failed ? NULL : s->text ? s->text : ""; }

void ag_strbuf_drop(ag_strbuf *s) {
  free(s->text);
  *s = (ag_strbuf){0};
}
