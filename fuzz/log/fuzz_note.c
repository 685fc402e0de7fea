/*
 * fuzz/log/fuzz_note.c - signed notes: every line is found again where it was, and is written again
 * the same.
 */
#include "log/note.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_NOTE_MAX);

    if (tlog_note_parse(dt_view(data, n), &note) != DT_OK)
        return 0;
    accepted();
    must(note.n_sigs > 0 && tlog_text_valid(note.text));
    must(dt_buf_append(&again, note.text) == DT_OK);
    must(dt_buf_append(&again, dt_view_str("\n")) == DT_OK);
    for (size_t i = 0; i < note.n_sigs; i++) {
        struct tlog_vkey key = {.id = note.sigs[i].id};

        if (note.sigs[i].name.n > TLOG_NAME_MAX) {
            must(dt_buf_append(&again, note.sigs[i].line) == DT_OK);
            continue;
        }
        for (size_t j = 0; j < note.sigs[i].name.n; j++)
            key.name[j] = (char)note.sigs[i].name.p[j];
        must(tlog_sig_line_write(&key, note.sigs[i].sig, &again) == DT_OK);
    }
    must_equal(&again, data, n);
    return 0;
}
