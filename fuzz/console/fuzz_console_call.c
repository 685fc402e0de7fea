/* fuzz/console/fuzz_console_call.c - a call as a page sends it, and what unlocks a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_console_call call;
    enum dt_err err = dt_console_call_parse(dt_view(data, size), &call);

    if (err == DT_OK) {
        if (call.command[0] == '\0' || call.n_operands > DT_CONSOLE_OPERANDS ||
            call.n_options > DT_CONSOLE_OPTIONS)
            abort();
        for (size_t i = 0; i < call.n_options; i++) {
            const struct dt_console_value *v = &call.options[i];

            if (v->name == NULL || v->text == NULL ||
                (v->kind == DT_CONSOLE_DOWNLOAD &&
                 (strchr(v->file, '/') != NULL || v->file[0] == '\0')))
                abort();
        }
    } else if (call.n_operands != 0 || call.n_options != 0) {
        abort(); /* what is refused leaves nothing */
    }
    dt_console_call_clear(&call);
    if (dt_console_unlock_parse(dt_view(data, size), &call) == DT_OK &&
        (err == DT_OK || call.passphrase.n == 0 || call.command[0] != '\0'))
        abort(); /* no input is both */
    if (err == DT_OK && getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
    dt_console_call_clear(&call);
    return 0;
}
