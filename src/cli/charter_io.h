/*
 * cli/charter_io.h - charters and their amendments from files, for the commands that take them.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_CHARTER_IO_H
#define DT_CLI_CHARTER_IO_H

#include "cli/cli.h"
#include "net/grant.h"
#include "record/amendment.h"

/* The charter in ${path}, as it is: a draft may lack signatures. */
DT_MUST_CHECK enum dt_err cli_charter_draft(const char *path, struct dt_charter *out);

/* The charter in ${path}, complete, with the amendments of --amendment in their order. */
DT_MUST_CHECK enum dt_err cli_charter(struct cli *c, const char *path, struct dt_charter *out);

DT_MUST_CHECK enum dt_err cli_grant(const char *path, struct dt_grant *out);

/* Relay, register, witnesses and quorums of ${g} into ${ch}, whose parties are there; which party a
 * witness group is: by --group GROUP=NAME, else by its name. Views point into ${g} and ${path}. */
#define CLI_REGISTER_PATH (64 + DT_NET_URL_MAX)
DT_MUST_CHECK enum dt_err cli_register_part(struct cli *c, const struct dt_grant *g,
                                            char path[static CLI_REGISTER_PATH],
                                            struct dt_charter *ch);

/* NAME=FILE of --${option}: the place of the party NAME in ${ch}, and the root id that FILE says,
 * the public line of a root, or the 64 hex digits of its id in place of a file. ${out_root} (may be
 * NULL: an id is enough) gets the root itself. USAGE, NOT_FOUND. */
DT_MUST_CHECK enum dt_err cli_root_of_party(const struct dt_charter *ch, const char *option,
                                            const char *value, size_t *out_party, uint8_t *out_root,
                                            uint8_t out_id[static 32]);

/* cmd_amend.c: charter sign, merge and show of an amendment, when --charter or --here says of what
 * (cli_of_amendment()); where what is signed or merged goes to: --out, or the file that was read.
 */
bool cli_of_amendment(const struct cli *c);
const char *cli_signed_to(const struct cli *c);
DT_MUST_CHECK enum dt_err cli_amendment_sign(struct cli *c);
DT_MUST_CHECK enum dt_err cli_amendment_merge(struct cli *c);
DT_MUST_CHECK enum dt_err cli_amendment_show(struct cli *c);

/* The seed of --root; asks for its passphrase. */
DT_MUST_CHECK enum dt_err cli_root_seed(struct cli *c, struct dt_secret *out);

#endif
