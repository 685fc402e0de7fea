/*
 * cli/verify_io.h - what verify and claims check share: what the verifier got elsewhere, and
 * reading a proof.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_VERIFY_IO_H
#define DT_CLI_VERIFY_IO_H

#include "record/proof.h"

#include "cli/cli.h"

/* Holds what a struct dt_verify_in points to. */
struct cli_anchor {
    uint8_t forum[DT_FORUM_ID];
    uint8_t words[DT_CHARTER_PARTIES][11];
    size_t n_words;
    struct dt_buf amendments;
    struct dt_templates *templates;
};
void cli_anchor_clear(struct cli_anchor *anchor);

/* Fill ${in} from --forum, --root-words and --amendment. USAGE. */
DT_MUST_CHECK enum dt_err cli_verify_in(struct cli *c, struct cli_anchor *anchor,
                                        struct dt_verify_in *in);

/* Read and verify one proof file. */
DT_MUST_CHECK enum dt_err cli_verify_file(const char *path, const struct dt_verify_in *in,
                                          struct dt_verdict *out);

/* cmd_record_destroyed.c. The same for a file that shows a destruction: said, and the exit status.
 */
DT_MUST_CHECK enum dt_err cli_verify_destroyed(struct cli *c, struct dt_view file,
                                               const uint8_t *forum, struct dt_view known);

/* The text of one opened slot of the subject, which has a value. */
DT_MUST_CHECK enum dt_err cli_slot_text(const struct dt_verdict *v, size_t slot,
                                        struct dt_buf *out);

/* Put what a proof shows into ${o}: "verdict", "findings", "standing", and of the record itself
 * "kind", "entry", "fields" and the like. */
DT_MUST_CHECK enum dt_err cli_put_verdict(json_t *o, const struct dt_verdict *v, uint64_t now_ms);

#endif
