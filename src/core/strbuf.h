/* A growing string with a sticky error: append freely, ask once at the end. */
#ifndef AG_STRBUF_H
#define AG_STRBUF_H

#include <stddef.h>
#include "error.h"

typedef struct {
  char *text; /* NUL-terminated once anything was added; NULL before */
  size_t length, capacity;
  int failed; /* an allocation failed: the text is incomplete */
} ag_strbuf;

void ag_strbuf_add(ag_strbuf *s, const char *format, ...) AG_PRINTF(2, 3);
/* The text as it is: quicker for long ones. */
void ag_strbuf_append(ag_strbuf *s, const char *text);
/* The text, "" if empty; NULL if memory ran out. */
const char *ag_strbuf_get(const ag_strbuf *s);
/* Frees the text and empties the buffer. */
void ag_strbuf_drop(ag_strbuf *s);

#endif
