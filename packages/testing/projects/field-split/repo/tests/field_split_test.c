#include <stdio.h>
#include <string.h>

#include "field_split.h"

#define FIELDS_MAX 4

static int failures;

/* `expected` is the fields, each in brackets, or "bad". */
static void check(const char *name, const char *line, const char *expected)
{
    char copy[128], said[256] = "";
    char *fields[FIELDS_MAX];
    size_t count, i;

    snprintf(copy, sizeof copy, "%s", line);
    count = field_split(copy, fields, FIELDS_MAX);
    if (count == FIELD_SPLIT_BAD)
        snprintf(said, sizeof said, "bad");
    else
        for (i = 0; i < count && i < FIELDS_MAX; i++) {
            strncat(said, "[", sizeof said - strlen(said) - 1);
            strncat(said, fields[i], sizeof said - strlen(said) - 1);
            strncat(said, "]", sizeof said - strlen(said) - 1);
        }
    if (strcmp(said, expected) == 0) {
        printf("ok   %s\n", name);
        return;
    }
    failures++;
    printf("FAIL %s: %s gives %s, not %s\n", name, line, said, expected);
}

int main(void)
{
    check("plain fields", "a,b,c", "[a][b][c]");
    check("one field", "alone", "[alone]");
    check("an empty field in the middle", "a,,c", "[a][][c]");
    check("an empty field at the start", ",b", "[][b]");
    check("an empty field at the end", "a,", "[a][]");
    check("an empty line is one empty field", "", "[]");
    check("a comma in quotes", "\"a,b\",c", "[a,b][c]");
    check("a quote in quotes", "\"say \"\"hi\"\"\",x", "[say \"hi\"][x]");
    check("empty quotes", "\"\",x", "[][x]");
    check("a quote that is not closed", "\"a,b", "bad");
    check("text after a quote", "\"a\"b,c", "bad");
    check("a quote within a plain field", "a\"b,c", "[a\"b][c]");
    check("more fields than there is room for", "1,2,3,4,5", "[1][2][3][4]");
    printf("%d failed\n", failures);
    return failures == 0 ? 0 : 1;
}
