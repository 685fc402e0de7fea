/* fuzz/cli/fuzz_cli_text.c - text into normal form, a time, and what a terminal is shown of it. */
#include "cli/cli.h"

#include "fuzz_cli.h"

/* Print ${text} and look at every byte that would have reached the terminal. */
static void
look_at_print(struct dt_view text)
{
    FILE *real = stdout;
    char *shown = NULL;
    size_t n = 0;

    stdout = open_memstream(&shown, &n);
    if (stdout == NULL)
        abort();
    cli_print_lines("  ", text);
    fclose(stdout);
    stdout = real;
    if (!dt_utf8_valid(dt_view((const uint8_t *)shown, n)))
        abort();
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)shown[i];
        unsigned char next = i + 1 < n ? (unsigned char)shown[i + 1] : 0;

        if ((b < 0x20 && b != '\n' && b != '\t') || b == 0x7f || (b == 0xc2 && next < 0xa0))
            abort();
        if (b == '\n' && i + 2 < n && (shown[i + 1] != ' ' || shown[i + 2] != ' ') &&
            i + 1 != n - 1)
            abort(); /* a line that is not indented */
    }
    free(shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf once = DT_BUF_INIT(4u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf twice = DT_BUF_INIT(4u << 20);
    struct cli c = {.clock = dt_clock_system()};
    char *text = malloc(size + 1);
    uint64_t ms;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    dt_ignore(cli_time(&c, text, &ms), "any verdict will do");
    free(text);
    look_at_print(dt_view(data, size));
    if (cli_nfc(dt_view(data, size), &once) != DT_OK) {
        if (once.n != 0)
            abort();
        return 0;
    }
    if (!dt_utf8_valid(dt_buf_view(&once)) || cli_nfc(dt_buf_view(&once), &twice) != DT_OK ||
        !dt_view_equal(dt_buf_view(&once), dt_buf_view(&twice)))
        abort();
    fuzz_accepted();
    return 0;
}
