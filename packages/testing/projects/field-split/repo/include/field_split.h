#ifndef FIELD_SPLIT_H
#define FIELD_SPLIT_H

#include <stddef.h>

/* The line is bad: a quote is not closed, or text follows one that is. */
#define FIELD_SPLIT_BAD ((size_t)-1)

/*
 * Splits `line` in place. Writes at most `fields_max` pointers into `fields` and
 * answers how many fields the line has, which may be more.
 */
size_t field_split(char *line, char **fields, size_t fields_max);

#endif
