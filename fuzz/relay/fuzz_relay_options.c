/* fuzz/relay/fuzz_relay_options.c - a command line of detente-relay, a word a line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/program/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct option list[] = {{"--store", "FILE", "", true, false},
                                         {"--party", "NAME", "", false, true},
                                         {"--json", NULL, "", false, false},
                                         {NULL, NULL, NULL, false, false}};
    static const struct command commands[2] = {{"grant", NULL, "", list, NULL, NULL},
                                               {"export", "DIR", "", list, NULL, NULL}};
    struct options got = {0};
    char *text = malloc(size + 1);
    char *argv[200], *at = text;
    int argc = 0;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    while (argc < 200 && *at != '\0') {
        argv[argc++] = at;
        at += strcspn(at, "\n");
        if (*at == '\n')
            *at++ = '\0';
    }
    for (size_t i = 0; i < 2; i++) {
        memset(&got, 0, sizeof(got));
        if (options_parse(&commands[i], argc, argv, &got) == DT_OK) {
            if (got.n > OPTION_VALUES_MAX || option_value(&got, "--store", 0) == NULL ||
                option_value(&got, "--store", 1) != NULL ||
                option_value(&got, "--json", 1) != NULL ||
                (got.operand != NULL) != (commands[i].operand != NULL))
                abort();
            options_clear(&got);
            if (getenv("DT_FUZZ_ACCEPT") != NULL)
                (void)fprintf(stderr, "accepted\n");
        } else if (dt_err_message()[0] == '\0') {
            abort(); /* nobody would be told what is wrong */
        }
    }
    free(text);
    return 0;
}
