/* fuzz/cli/fuzz_options.c - a command line, a word a line. */
#include "cli/cli.h"

#include "fuzz_cli.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "detente";
    char *argv[400] = {name};
    struct cli c = {.clock = dt_clock_system()};
    char *text = malloc(size + 1);
    int argc = 1;
    char *at = text;
    const char *value;
    size_t walked = 0;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    while (argc < 399 && *at != '\0') {
        argv[argc++] = at;
        at += strcspn(at, "\n");
        if (*at == '\n')
            *at++ = '\0';
    }
    if (cli_parse(&c, argc, argv) == DT_OK) {
        if (c.n_options > DT_CLI_VALUES || c.n_operands > DT_CLI_VALUES)
            abort();
        if (c.command != NULL && !cli_has(&c, "help") && !cli_has(&c, "version") &&
            (c.n_operands < c.command->min_operands || c.n_operands > c.command->max_operands))
            abort();
        while ((value = cli_next(&c, "set", &walked)) != NULL)
            if (strlen(value) > size)
                abort();
        fuzz_accepted();
    } else if (dt_err_message()[0] == '\0') {
        abort(); /* nobody would be told what is wrong */
    }
    free(text);
    return 0;
}
