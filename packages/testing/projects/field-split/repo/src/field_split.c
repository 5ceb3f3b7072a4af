#include "field_split.h"

/* Unquotes the field at `read` in place; answers where it ends, or NULL when it is bad. */
static char *unquote(char *read)
{
    char *write = read++;

    for (;;) {
        if (*read == '\0')
            return NULL;
        if (*read == '"') {
            if (read[1] != '"')
                break;
        }
        *write++ = *read++;
    }
    *write = '\0';
    read++;
    return *read == ',' || *read == '\0' ? read : NULL;
}

size_t field_split(char *line, char **fields, size_t fields_max)
{
    size_t count = 0;
    char *at = line;

    while (*at != '\0') {
        char *field = at;

        if (*at == '"') {
            at = unquote(at);
            if (at == NULL)
                return FIELD_SPLIT_BAD;
        } else {
            while (*at != ',' && *at != '\0')
                at++;
        }
        if (count < fields_max)
            fields[count] = field;
        count++;
        if (*at == ',')
            *at++ = '\0';
    }
    return count;
}
