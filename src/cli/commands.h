/*
 * cli/commands.h - the functions behind the table of commands, one file a subject.
 *
 * Layer: cli. Each runs one call: reads c's options and operands, prints its result, returns an
 * error.
 */
#ifndef DT_CLI_COMMANDS_H
#define DT_CLI_COMMANDS_H

#include "cli/cli.h"

/* cmd_root.c */
enum dt_err cmd_root_new(struct cli *c);
enum dt_err cmd_root_words(struct cli *c);

/* cmd_charter.c */
enum dt_err cmd_charter_draft(struct cli *c);
enum dt_err cmd_charter_sign(struct cli *c);
enum dt_err cmd_charter_merge(struct cli *c);
enum dt_err cmd_charter_show(struct cli *c);

/* cmd_amend.c */
enum dt_err cmd_charter_amend(struct cli *c);
enum dt_err cmd_charter_adopt(struct cli *c);
enum dt_err cmd_register_export(struct cli *c);

/* cmd_letter.c */
enum dt_err cmd_letter_request(struct cli *c);
enum dt_err cmd_letter_issue(struct cli *c);
enum dt_err cmd_letter_import(struct cli *c);
enum dt_err cmd_letter_show(struct cli *c);
enum dt_err cmd_letter_save(struct cli *c);
enum dt_err cmd_letter_revoke(struct cli *c);
enum dt_err cmd_people(struct cli *c);

/* cmd_home.c */
enum dt_err cmd_init(struct cli *c);
enum dt_err cmd_sync(struct cli *c);
enum dt_err cmd_agent(struct cli *c);
enum dt_err cmd_alarms(struct cli *c);
enum dt_err cmd_check(struct cli *c);

/* cmd_status.c */
enum dt_err cmd_status(struct cli *c);

/* cmd_unlock.c */
enum dt_err cmd_unlock(struct cli *c);
enum dt_err cmd_lock(struct cli *c);

/* cmd_shift.c; and a shift as status shows it. */
struct dt_shift_info;
enum dt_err cmd_shift_hand_over(struct cli *c);
enum dt_err cmd_shift_list(struct cli *c);
json_t *cli_shift_json(const struct dt_shift_info *x);
void cli_print_shift(const char *indent, const struct dt_shift_info *x);

/* cmd_line.c */
enum dt_err cmd_line(struct cli *c);
enum dt_err cmd_line_confirm(struct cli *c);
enum dt_err cmd_line_outage(struct cli *c);

/* cmd_courier.c */
enum dt_err cmd_psk_new(struct cli *c);
enum dt_err cmd_psk_carry(struct cli *c);
enum dt_err cmd_psk_confirm(struct cli *c);
enum dt_err cmd_psk_commit(struct cli *c);
enum dt_err cmd_psk_list(struct cli *c);
enum dt_err cmd_psk_drop(struct cli *c);

/* cmd_backup.c */
enum dt_err cmd_backup(struct cli *c);
enum dt_err cmd_restore(struct cli *c);

/* cmd_archive.c, cmd_archive_verify.c */
enum dt_err cmd_archive_export(struct cli *c);
enum dt_err cmd_archive_verify(struct cli *c);
enum dt_err cmd_archive_extract(struct cli *c);

/* cmd_console.c */
enum dt_err cmd_console(struct cli *c);

/* cmd_bundle.c */
enum dt_err cmd_bundle_export(struct cli *c);
enum dt_err cmd_bundle_import(struct cli *c);

/* stick.c */
enum dt_err cmd_stick_accept(struct cli *c);

/* advice.c */
enum dt_err cmd_explain(struct cli *c);

/* cmd_channel.c */
enum dt_err cmd_found(struct cli *c);
enum dt_err cmd_channels(struct cli *c);
enum dt_err cmd_roster(struct cli *c);
enum dt_err cmd_invitations(struct cli *c);
enum dt_err cmd_accept(struct cli *c);
enum dt_err cmd_decline(struct cli *c);
enum dt_err cmd_remove(struct cli *c);
enum dt_err cmd_leave(struct cli *c);
enum dt_err cmd_rotate(struct cli *c);
enum dt_err cmd_rejoin(struct cli *c);

/* cmd_admit.c */
enum dt_err cmd_admit_ask(struct cli *c);
enum dt_err cmd_admit_list(struct cli *c);
enum dt_err cmd_admit_approve(struct cli *c);
enum dt_err cmd_admit_commit(struct cli *c);

/* cmd_talk.c */
enum dt_err cmd_send(struct cli *c);
enum dt_err cmd_read(struct cli *c);
enum dt_err cmd_save(struct cli *c);

/* cmd_understood.c */
enum dt_err cmd_understood(struct cli *c);
enum dt_err cmd_keep(struct cli *c);
enum dt_err cmd_keep_destroy(struct cli *c);
enum dt_err cmd_record_destroyed(struct cli *c);

/* cmd_template.c */
enum dt_err cmd_template_list(struct cli *c);
enum dt_err cmd_template_show(struct cli *c);
enum dt_err cmd_template_check(struct cli *c);
enum dt_err cmd_template_add(struct cli *c);

/* cmd_record.c */
enum dt_err cmd_record(struct cli *c);
enum dt_err cmd_records(struct cli *c);
enum dt_err cmd_show(struct cli *c);

/* cmd_answer.c */
enum dt_err cmd_receipt(struct cli *c);
enum dt_err cmd_countersign(struct cli *c);
enum dt_err cmd_answer(struct cli *c);
enum dt_err cmd_dispute(struct cli *c);
enum dt_err cmd_withdraw(struct cli *c);
enum dt_err cmd_consent(struct cli *c);

/* cmd_due.c */
enum dt_err cmd_due(struct cli *c);

/* cmd_open.c */
enum dt_err cmd_open(struct cli *c);
enum dt_err cmd_verify(struct cli *c);

/* cmd_tally.c */
enum dt_err cmd_tally(struct cli *c);

/* cmd_register.c */
enum dt_err cmd_register(struct cli *c);
enum dt_err cmd_register_check(struct cli *c);
enum dt_err cmd_register_cadence(struct cli *c);
enum dt_err cmd_register_checkpoint(struct cli *c);
enum dt_err cmd_register_compare(struct cli *c);

/* cmd_status.c: groups whose cosignatures bear a time that cannot be, for status and register
 * status.
 */
struct dt_group_info;
void cli_print_clocks(const struct dt_group_info *groups, size_t n);
void cli_put_clock(json_t *o, const struct dt_group_info *g);

/* cadence.c: what status and register status say of the cadence; nothing when there is none. */
enum dt_err cli_print_cadence(struct cli *c);
enum dt_err cli_put_cadence(struct cli *c, json_t *o);

/* cmd_observe.c */
enum dt_err cmd_observe(struct cli *c);

/* cmd_claims.c */
enum dt_err cmd_claims_check(struct cli *c);
enum dt_err cmd_claims_import(struct cli *c);
enum dt_err cmd_claims_show(struct cli *c);

/* cmd_carry.c */
enum dt_err cmd_carry_id(struct cli *c);
enum dt_err cmd_carry_leave(struct cli *c);
enum dt_err cmd_carry_send(struct cli *c);

/* cmd_readout.c, cmd_readout_release.c */
enum dt_err cmd_readout_draft(struct cli *c);
enum dt_err cmd_readout_line(struct cli *c);
enum dt_err cmd_readout_agree(struct cli *c);
enum dt_err cmd_readout_object(struct cli *c);
enum dt_err cmd_readout_show(struct cli *c);
enum dt_err cmd_readout_release(struct cli *c);
enum dt_err cmd_readout_verify(struct cli *c);

/* cmd_contacts.c */
enum dt_err cmd_contacts(struct cli *c);
enum dt_err cmd_contacts_import(struct cli *c);
enum dt_err cmd_contacts_forget(struct cli *c);

/* cmd_witness.c */
enum dt_err cmd_witness_keygen(struct cli *c);
enum dt_err cmd_witness_vkey(struct cli *c);
enum dt_err cmd_witness_run(struct cli *c);
enum dt_err cmd_evidence_export(struct cli *c);
enum dt_err cmd_evidence_verify(struct cli *c);

#endif
