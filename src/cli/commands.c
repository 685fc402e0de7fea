/*
 * cli/commands.c - the table of commands and their options: parsing, --help and the man page follow
 * it.
 */
#include "witness/command.h"

#include "cli/commands.h"

static const struct cli_option root_new[] = {
    {"out", "FILE", "write the key to FILE (0600) and its public line to FILE.pub"},
    {NULL, NULL, NULL}};

static const struct cli_option line_outage[] = {
    {"from", "TIME", "when it begins (default: now)"},
    {"until", "TIME", "when it ends: RFC 3339, or from now: +2h, +1d"},
    {"over", NULL, "an announced outage is over, or called off"},
    {"text", "TEXT", "one line with the reason"},
    {NULL, NULL, NULL},
};
#define COURIER_KEY                                                                                \
    {                                                                                              \
        "key", "ID", "which courier key, by the begin of its id; not needed for one"               \
    }
static const struct cli_option psk_one[] = {
    COURIER_KEY,
    {NULL, NULL, NULL},
};
static const struct cli_option psk_carry[] = {
    COURIER_KEY,
    {"to", "FILE", "write it to FILE, sealed under a passphrase that you tell another way"},
    {"qr", NULL, "show it as a QR code on the terminal; not sealed"},
    {"words", NULL, "print it as 24 words; not sealed"},
    {"from", "FILE",
     "take it in: a sealed file, or the text of a QR code, or 24 words ('-': "
     "standard input)"},
    {"file-passphrase-file", "FILE", "the passphrase of the sealed file, its first line"},
    {NULL, NULL, NULL},
};
static const struct cli_option psk_confirm[] = {
    COURIER_KEY,
    {"fingerprint", "WORDS", "the eight words, as another member reads them to you"},
    {NULL, NULL, NULL},
};
static const struct cli_option psk_commit[] = {
    COURIER_KEY,
    {"renew", "SPAN", "all are told to replace it after SPAN (90d is usual), or never"},
    {NULL, NULL, NULL},
};
static const struct cli_option bundle_export[] = {
    {"since", "N", "the cells behind position N"},
    {"outgoing", NULL, "ours that no relay has yet"},
    {"ack", NULL, "no cells: how far we have read"},
    {"unpadded", NULL, "without padding: smaller, and its size shows how much was said"},
    {"out", "FILE", "write the bundle to FILE ('-': standard output)"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_draft[] = {
    {"grant", "FILE", "any one of the relay's grant files: relay, register, witnesses"},
    {"title", "TEXT", "what the forum is called"},
    {"party", "NAME=FILE", "a party and the public line of its root; repeat"},
    {"mediator", "NAME=FILE", "likewise, the mediator"},
    {"monitor", "NAME=FILE", "likewise, a monitor"},
    {"template", "FILE", "a template (JSON) of the forum's own: all sign its hash; repeat"},
    {"open", "KIND=RULE",
     "whose consent opens a record of KIND ('default': of any): author, both, all, or 'after "
     "YYYY-MM-DD'; repeat"},
    {"line-test", "RULE",
     "every member's agent tests its line so often: 90m, 12h, 1d; '12h sealed': each is a record "
     "too"},
    {"file-max", "MIB", "how long a file in a channel may be: 1 to 64 MiB (64)"},
    {"group", "GROUP=NAME",
     "which party a witness group of the grant speaks for, if not named alike"},
    {"successor", "NAME=FILE",
     "public line (or id in hex) of the key that alone may take the place of NAME's root; repeat"},
    {"out", "FILE", "write the draft to FILE"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_sign[] = {
    {"root", "FILE", "the root's key file"},
    {"charter", "FILE", "what is signed is an amendment of this charter"},
    {"amendment", "FILE", "an amendment of it that came before, in order; repeat"},
    {"here", NULL, "what is signed is an amendment of your home's charter"},
    {"out", "FILE", "write the signed copy to FILE, and leave what was read as it is"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_merge[] = {
    {"charter", "FILE", "what is merged are copies of an amendment of this charter"},
    {"amendment", "FILE", "an amendment of it that came before, in order; repeat"},
    {"here", NULL, "what is merged are copies of an amendment of your home's charter"},
    {"out", "FILE", "write what comes of it to FILE, and leave what was read as it is"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_amend[] = {
    {"grant", "FILE", "a grant file of the new relay"},
    {"root", "NAME=FILE",
     "the register stays; the root in FILE (its public line) takes the place of NAME's; repeat"},
    {"successor", "NAME=FILE",
     "public line (or id in hex) of the key that alone may take the place of NAME's root after "
     "this; repeat"},
    {"size", "N",
     "entries of the register that are good, or that count under the roots of before (default: "
     "those attested here)"},
    {"group", "GROUP=NAME",
     "which party a witness group of the grant speaks for, if not named alike"},
    {"out", "FILE", "write the draft to FILE"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_adopt[] = {
    {"grant", "FILE", "the party's grant file of the new relay, where there is one"},
    {"lose-attested", NULL, "also when entries go that the charter's quorum had cosigned"},
    {NULL, NULL, NULL}};

static const struct cli_option register_export[] = {
    {"out", "FILE", "write the entries to FILE"},
    {"size", "N", "the first N of them (default: those attested here)"},
    {NULL, NULL, NULL}};

static const struct cli_option charter_show[] = {
    {"id", NULL, "print the forum id alone"},
    {"policy", NULL, "print the register's key, witnesses and groups, for observers"},
    {"charter", "FILE", "what is shown is an amendment of this charter"},
    {"here", NULL, "what is shown is an amendment of your home's charter"},
    {"amendment", "FILE", "show the charter with this amendment, in order; repeat"},
    {NULL, NULL, NULL}};

static const struct cli_option with_out[] = {{"out", "FILE", "write to FILE"}, {NULL, NULL, NULL}};

static const struct cli_option letter_issue[] = {
    {"root", "FILE", "the root's key file"},
    {"charter", "FILE", "the signed charter of the forum"},
    {"amendment", "FILE", "an amendment of it, in order; repeat"},
    {"request", "FILE", "the delegate's request"},
    {"rights", "LIST", "talk,record,admit,consent,found (default: all)"},
    {"from", "TIME", "valid from (default: now)"},
    {"days", "N", "valid for N days (default: 365)"},
    {"out", "FILE", "write the letter to FILE (0600)"},
    {NULL, NULL, NULL}};

static const struct cli_option letter_import[] = {{"revocation", NULL, "the files are revocations"},
                                                  {NULL, NULL, NULL}};

static const struct cli_option letter_revoke[] = {
    {"root", "FILE", "the root's key file"}, {"out", "FILE", "write to FILE"}, {NULL, NULL, NULL}};

static const struct cli_option init[] = {
    {"charter", "FILE", "the signed charter"},
    {"amendment", "FILE", "an amendment of it, in order; repeat"},
    {"grant", "FILE", "the party's grant file"},
    {"party", "NAME", "the party, as the charter names it"},
    {"name", "TEXT", "the delegate's name"},
    {"title", "TEXT", "the delegate's title"},
    {"template", "FILE", "a template that the charter names; repeat"},
    {NULL, NULL, NULL}};

static const struct cli_option receipt_within[] = {
    {"receipt-within", "SPAN", "a receipt is overdue after SPAN: 90s, 30m, 2h, 1d (default: 1h)"},
    {NULL, NULL, NULL}};

static const struct cli_option rotate[] = {
    {"every", "SPAN",
     "replace the session keys of all channels every SPAN, 1h to 3d (default: 1d)"},
    {NULL, NULL, NULL}};

static const struct cli_option found[] = {
    {"kind", "KIND", "plenary (default), caucus or track"},
    {"with", "PERSON", "a first delegate besides you; repeat"},
    {"destroy-after", "SPAN", "what is said there is destroyed so long after it came, as 30d"},
    {NULL, NULL, NULL}};

static const struct cli_option send[] = {
    {"file", "FILE", "send a file in place of a text"},
    {"type", "TYPE", "its media type (default: application/octet-stream)"},
    {"destroy-after", "SPAN", "have it destroyed so long after it came, as 12h or 30d"},
    {"keep", NULL, "have it kept, whatever the channel's rule"},
    {NULL, NULL, NULL}};

static const struct cli_option keep_destroy[] = {{"yes", NULL, "this machine's clock is right"},
                                                 {NULL, NULL, NULL}};

static const struct cli_option understood[] = {
    {"right", NULL, "your message was understood as you meant it"},
    {"wrong", NULL, "it was not"},
    {"of", "N", "the Nth that read shows below the message"},
    {NULL, NULL, NULL}};

#define PART                                                                                       \
    {"last", "N", "only the last N"}, {"before", "N", "only what stands before number N"},         \
    {                                                                                              \
        "find", "TEXT", "only what says TEXT, whatever the case"                                   \
    }

static const struct cli_option read_[] = {
    {"after", "N", "only what came after number N"},
    {"receipt-within", "SPAN", "a receipt is overdue after SPAN: 90s, 30m, 2h, 1d (default: 1h)"},
    PART,
    {NULL, NULL, NULL}};

/* Under a cadence: when the entry is made. */
#define HASTE                                                                                      \
    {"urgent", NULL, "under a cadence: make its entry at once; an observer can see that"},         \
    {                                                                                              \
        "wait", NULL, "under a cadence: let its entry wait for its slot, even past its deadline"   \
    }

static const struct cli_option template_[] = {
    {"template", "FILE", "a template (JSON) of a forum's own, too; repeat"}, {NULL, NULL, NULL}};

static const struct cli_option template_check[] = {
    {"template", "FILE", "a template (JSON) of a forum's own, too; repeat"},
    {"kind", "KIND", "the kind of all entries"},
    {"charter", "FILE", "the charter, for the names of parties"},
    {NULL, NULL, NULL}};

static const struct cli_option record[] = {
    {"field", "FIELD=VALUE", "set a field; items of a list are separated by ';'; repeat"},
    {"set", "FIELD=VALUE", "the same"},
    {"from", "FILE", "a record of each entry of FILE (JSON or CSV): all of them, or none"},
    {"edit", NULL, "write it in $VISUAL or $EDITOR"},
    {"draft", "FILE", "go on with what was kept in FILE"},
    {"attach", "FILE", "its hash goes into the record, the file into the channel; repeat"},
    {"csv", "FILE", "take fields from a CSV file whose columns are named like them"},
    {"row", "ID", "the row of --csv whose first column is ID"},
    {"about-talk", "ID", "refer to a piece of talk by its id"},
    {"destroy-after", "SPAN", "all destroy it so long after it came; that it was stays provable"},
    HASTE,
    {"yes", NULL, "do not ask; what will be provable is said all the same"},
    {NULL, NULL, NULL}};

static const struct cli_option record_destroyed[] = {
    {"out", "FILE", "write a proof of the one RECORD, for anybody: that it was, not what"},
    {NULL, NULL, NULL}};

static const struct cli_option records[] = {
    {"cover", NULL, "the cover entries that this home made, in place of records"},
    {"void", NULL, "those that do not count: a root was replaced before their entry"},
    {"fields", NULL, "with --json: also what each says"},
    PART,
    {NULL, NULL, NULL}};

static const struct cli_option due[] = {
    {"party", "NAME", "only what this party owes"},
    {"channel", "CHANNEL", "only what is owed in this channel"},
    {"until", "TIME", "only what has to be done by then"},
    {"all", NULL, "what is met or waived, too"},
    {"ics", "FILE", "write what is open into a calendar file with alarms (iCalendar)"},
    {"receipt-within", "SPAN", "a receipt is overdue after SPAN: 90s, 30m, 2h, 1d (default: 1h)"},
    {NULL, NULL, NULL}};

static const struct cli_option cadence_keep[] = {
    {"share", "I/N", "this home keeps every Nth slot of the party, from the Ith on (default: 1/1)"},
    {NULL, NULL, NULL}};

static const struct cli_option answer[] = {
    {"set", "FIELD=VALUE", "set a further field of the answer; repeat"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option countersign[] = {
    {"set", "FIELD=VALUE", "set a further field of the answer; repeat"},
    {"despite-count", NULL, "a tally: countersign it although your own count is another one"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option dispute[] = {
    {"should-be", "FIELD=VALUE", "what a field of the record should be; repeat"},
    {"set", "FIELD=VALUE", "set a further field of the dispute; repeat"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option consent[] = {
    {"fields", "LIST", "the fields that may be opened, separated by commas"},
    {"all", NULL, "all fields of the record; of its envelope none"},
    {"audience", "TEXT", "to whom (default: public)"},
    {"expires", "TIME", "until when (default: +30d)"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option carry_leave[] = {
    {"to", "CHANNEL", "the channel in which it may be told: its id, as carry id there prints it"},
    {"fields", "LIST", "the fields that may be told, separated by commas"},
    {"all", NULL, "all fields of the record; of its envelope none"},
    {"expires", "TIME", "until when it may be told (default: +30d)"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option carry_send[] = {
    HASTE,
    {"yes", NULL, "do not ask; what will be provable is said all the same"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_draft[] = {
    {"contact", "RECORD", "the contact that it is about"},
    {"release-at", "TIME", "the earliest release (default: by consent only)"},
    {"releaser", "WHO", "who releases: both_together (default), either, mediator"},
    {"initiated-by", "PARTY", "who is named as having asked for the contact"},
    {"languages", "LIST", "its languages, separated by ';': en;ru"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_line[] = {
    {"text", "LANG=TEXT", "what it says in a language; repeat"},
    {"replaces", "RECORD", "the version whose place it takes (default: the one in force)"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_agree[] = {
    {"head", NULL, "to how and when it is released; with no line named, to that alone"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_object[] = {
    {"text", "LANG=TEXT", "what it should say; repeat (none: it should not be there)"},
    {"why", "TEXT", "your reasons"},
    HASTE,
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_release[] = {
    {"ahead", NULL, "consent before the time that was agreed; no honest program opens before it"},
    {"expires", "TIME", "until when your consents hold (default: +30d)"},
    {"out", "DIR", "write the proof files and the text into DIR, all together"},
    {"publish", NULL, "publish them beside the register, for everyone and for good"},
    HASTE,
    {"yes", NULL, "do not ask; what is said before is said all the same"},
    {NULL, NULL, NULL}};

static const struct cli_option readout_verify[] = {
    {"forum", "ID", "the forum id that you got elsewhere (64 hex digits)"},
    {"root-words", "WORDS", "eight key words of a root that you got elsewhere; repeat"},
    {"amendment", "FILE", "an amendment that you know of, in order; repeat"},
    {"text", "FILE", "what was published, a line a line: is it what was sealed?"},
    {"language", "LANG", "the language of that text"},
    {NULL, NULL, NULL}};

static const struct cli_option open_[] = {
    {"fields", "LIST", "the fields to open, separated by commas"},
    {"all", NULL, "open all fields of the record; of its envelope none"},
    {"reply", NULL, "the record is open in public: open your own answers' words beside it"},
    {"out", "FILE", "write the proof to FILE"},
    {"names", NULL, "open the names and titles of the authors too"},
    {"without-consent", NULL, "even though a consent is missing; every verifier will say so"},
    {"for", "PERSON", "seal the proof: only the home of PERSON opens it"},
    {"publish", NULL, "publish it beside the register, for everyone and for good"},
    {"yes", NULL, "do not ask before publishing; it is said all the same"},
    {NULL, NULL, NULL}};

static const struct cli_option verify[] = {
    {"forum", "ID", "the forum id that you got elsewhere (64 hex digits)"},
    {"root-words", "WORDS", "eight key words of a root that you got elsewhere; repeat"},
    {"amendment", "FILE", "an amendment that you know of, in order; repeat"},
    {NULL, NULL, NULL}};

static const struct cli_option tally[] = {
    {"list", NULL, "with the numbers of the entries of each kind"},
    {"record", "CHANNEL", "state in a record how many of CHANNEL's records are in the range"},
    {"counted", "KIND", "what --record counts: a template's id (default: contact)"},
    HASTE,
    {"yes", NULL, "do not ask; what will be provable is said all the same"},
    {NULL, NULL, NULL}};

static const struct cli_option register_check[] = {
    {"charter", "FILE", "the forum's signed charter"},
    {"amendment", "FILE", "an amendment of it, in order; repeat"},
    {"proof", "FILE", "take the charter from this proof file"},
    {"forum", "ID", "the forum id that you got elsewhere"},
    {"root-words", "WORDS", "key words of a root, for --proof; repeat"},
    {"read-key", "FILE", "the register's read key, if reading it needs one"},
    {NULL, NULL, NULL}};

static const struct cli_option observe[] = {
    {"policy", "FILE", "the register's key, its witnesses and groups, that you got elsewhere"},
    {"charter", "FILE", "or the forum's signed charter"},
    {"amendment", "FILE", "an amendment of it, in order; repeat"},
    {"vkey", "VKEY", "or the register's verifier key alone: no witness is known then"},
    {"forum", "ID", "the forum id that you got elsewhere"},
    {"root-words", "WORDS", "key words of a root, for what was opened; repeat"},
    {"state", "FILE", "keep there what was seen; made when it is not there"},
    {"evidence", "DIR", "where evidence of a split view goes (default: beside the state)"},
    {"cadence", "K/PERIOD",
     "entries that are promised every 30m, 12h, 1d or 1w, say which lack (default: the charter's)"},
    {"late-after", "SPAN", "a witness group is late after SPAN: 90s, 30m, 2h, 1d (default: 1h)"},
    {"line-tests", "SPAN", "a station owes a line test every SPAN (default: its template's 12h)"},
    {"read-key", "FILE", "the register's read key, if reading it needs one"},
    {"svg", "FILE", "draw the timeline into FILE"},
    {"html", "DIR",
     "write the observer page into DIR, with the register beside it, for any web server"},
    {"follow", NULL, "go on until Ctrl-C"},
    {NULL, NULL, NULL}};

static const struct cli_option claims[] = {
    {"proof", "FILE", "a proof file; repeat"},
    {"forum", "ID", "the forum id that you got elsewhere"},
    {"root-words", "WORDS", "key words of a root; repeat"},
    {"amendment", "FILE", "an amendment that you know of, in order; repeat"},
    {"source", "NAME", "without a file: which import, where there are several"},
    {"as-member", NULL, "check against the records in your home instead"},
    {"observed", "STATE",
     "what detente observe saw: can the register hold as many as are claimed?"},
    {"csv", NULL, "answer as CSV"},
    {NULL, NULL, NULL}};

static const struct cli_option claims_import[] = {
    {"source", "NAME", "keep it under NAME (default: the file's name), in place of what was there"},
    {NULL, NULL, NULL}};

static const struct cli_option claims_show[] = {
    {"source", "NAME", "which import, where there are several"},
    {"file", "FILE", "a file in place of what was imported"},
    {NULL, NULL, NULL}};

static const struct cli_option contacts[] = {
    {"since", "TIME", "that began then or later: 2025-02-12T15:00:00Z, 2025-02-12, 2025-02, 2025"},
    {"between", "PARTY", "with this party among them; repeat: with all of these"},
    {"count", NULL, "how many, by year and by who met whom"},
    {"svg", "FILE", "draw them in time into FILE"},
    {"no-notes", NULL, "records alone"},
    {"look", NULL, "first look through what is published beside the register"},
    {"sources", NULL, "what was imported, in place of contacts"},
    {NULL, NULL, NULL}};

static const struct cli_option contacts_import[] = {
    {"column", "FIELD=COLUMN", "FIELD of a note stands in COLUMN; repeat"},
    {"set", "FIELD=VALUE", "FIELD is VALUE in every row; repeat"},
    {"value", "FIELD:TEXT=VALUE", "where the column of FIELD says TEXT, it is VALUE; repeat"},
    {"source", "NAME", "keep it under NAME (default: the file's name), in place of what was there"},
    {NULL, NULL, NULL}};

static const struct cli_option evidence_verify[] = {
    {"charter", "FILE", "the forum's signed charter: is it that register's key?"},
    {"vkey", "VKEY", "or the register's verifier key itself"},
    {NULL, NULL, NULL}};

static const struct cli_option unlock[] = {
    {"for", "SPAN", "for how long: 90s, 30m, 2h, at most 1d (default: 8h)"},
    {"session", NULL, "for this login session alone, and gone at its end"},
    {NULL, NULL, NULL}};

static const struct cli_option console[] = {
    {"port", "N", "listen there (default: any free port)"},
    {"ipv6", NULL, "listen on [::1] in place of 127.0.0.1"},
    {"url", NULL, "print a new address of the console that runs for this home"},
    {"browser", NULL, "open the address in this desktop's browser, too"},
    {"lock-after", "MINUTES",
     "lock a page that nobody has touched so long; 0: never (default: 15)"},
    {NULL, NULL, NULL}};

static const struct cli_option shift_hand_over[] = {
    {"to", "NAME", "who has the desk from now on"},
    {"note", "TEXT", "what the next one has to know, in one line"},
    {NULL, NULL, NULL}};

static const struct cli_option backup[] = {
    {"backup-passphrase-file", "FILE",
     "the backup's passphrase, when it is not to be the one given for the home"},
    {NULL, NULL, NULL}};

static const struct cli_option archive_export[] = {
    {"proof", "RECORD", "put a proof file of RECORD in as well, wholly opened; repeat"},
    {"archive-passphrase-file", "FILE",
     "the archive's passphrase, when it is not to be the one given for the home"},
    {NULL, NULL, NULL}};

static const struct cli_option archive_verify[] = {
    {"count", "N", "how many items the exporter said"},
    {"root", "HEX", "the root that the exporter said"},
    {"archive-passphrase-file", "FILE", "the archive's passphrase"},
    {NULL, NULL, NULL}};

static const struct cli_option restore[] = {
    {"backup-passphrase-file", "FILE",
     "the backup's passphrase, when it is not the one given for the new home"},
    {"check", NULL, "make no home: only read the whole file and say what is in it"},
    {NULL, NULL, NULL}};

static const struct cli_option witness_keygen[] = {DT_WITNESS_KEYGEN_OPTIONS, {NULL, NULL, NULL}};
static const struct cli_option witness_vkey[] = {DT_WITNESS_VKEY_OPTIONS, {NULL, NULL, NULL}};
static const struct cli_option witness_run[] = {DT_WITNESS_RUN_OPTIONS, {NULL, NULL, NULL}};

#define MANY (DT_CLI_VALUES)

const struct cli_group cli_groups[] = {
    {"root new", "charter", "Roots and the charter"},
    {"letter request", "letter", "Letters of credence"},
    {"init", "home", "The home, and staying in touch"},
    {"unlock", "life", "Shifts, backups and archives"},
    {"found", "channel", "Channels and who is in them"},
    {"send", "talk", "Talk"},
    {"template list", "record", "Records and answers"},
    {"open", "proof", "Opening and verifying"},
    {"register status", "register", "The register"},
    {"observe", "observe", "Observing with no key"},
    {"witness keygen", "witness", "A party's witness"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_commands[] = {
    {"root new", "", "make a party's root key", NULL, root_new, cmd_root_new, false, 0, 0},
    {"root words", "FILE...", "show the key words of roots, to compare by voice", NULL, NULL,
     cmd_root_words, false, 1, MANY},
    {"charter draft", "", "draft the founding document of a forum", NULL, charter_draft,
     cmd_charter_draft, false, 0, 0},
    {"charter sign", "FILE", "sign a charter, or an amendment, with a root", NULL, charter_sign,
     cmd_charter_sign, false, 1, 1},
    {"charter merge", "FILE OTHER...", "take over signatures from other copies", NULL,
     charter_merge, cmd_charter_merge, false, 2, MANY},
    {"charter show", "[FILE]", "show a charter, or an amendment, and who signed it",
     "Without a FILE: the charter of your home, as it is amended.", charter_show, cmd_charter_show,
     false, 0, 1},
    {"charter amend", "", "draft an amendment: another relay and register, or another root",
     "From your own copy of the register. With --grant another register takes its place, made with "
     "detente-relay grant --continue; with --root or --successor it stays.",
     charter_amend, cmd_charter_amend, true, 0, 0},
    {"charter adopt", "AMENDMENT...", "take in amendments that every party signed", NULL,
     charter_adopt, cmd_charter_adopt, true, 1, MANY},
    {"letter request", "", "ask the root for a letter of credence", NULL, with_out,
     cmd_letter_request, true, 0, 0},
    {"letter issue", "", "accredit a delegate (with the root's key)", NULL, letter_issue,
     cmd_letter_issue, false, 0, 0},
    {"letter import", "FILE...", "take in letters: your own, and others'", NULL, letter_import,
     cmd_letter_import, true, 1, MANY},
    {"letter show", "FILE", "show what a letter says and who signed it", NULL, NULL,
     cmd_letter_show, false, 1, 1},
    {"letter save", "PERSON", "write a letter that is here to a file", NULL, with_out,
     cmd_letter_save, true, 1, 1},
    {"letter revoke", "LETTER", "revoke a letter (with the root's key)", NULL, letter_revoke,
     cmd_letter_revoke, false, 1, 1},
    {"people", "", "everyone whose letter is here", NULL, NULL, cmd_people, true, 0, 0},
    {"init", "", "make a delegate's home", NULL, init, cmd_init, false, 0, 0},
    {"sync", "", "exchange everything with the relay and the register, once", NULL, receipt_within,
     cmd_sync, true, 0, 0},
    {"agent", "", "stay in touch with the relay until Ctrl-C", NULL, receipt_within, cmd_agent,
     true, 0, 0},
    {"status", "", "who you are, the channels, the register, what is late", NULL, receipt_within,
     cmd_status, true, 0, 0},
    {"console", "", "the home in a browser on this machine, until Ctrl-C",
     "It listens on loopback alone, and prints an address that opens once; Enter prints another. "
     "While it\n"
     "runs, it stays in touch with the relay: no agent is needed beside it.",
     console, cmd_console, false, 0, 0},
    {"alarms", "", "what went wrong, and who did it", NULL, NULL, cmd_alarms, true, 0, 0},
    {"check", "", "read every row of the store and check it", NULL, NULL, cmd_check, true, 0, 0},
    {"stick accept", "[file:PATH]",
     "go on with a relay's file as it is, whatever was seen of it before", NULL, NULL,
     cmd_stick_accept, true, 0, 1},
    {"explain", "[MESSAGE...]", "what to do about an error message or an alarm", NULL, NULL,
     cmd_explain, false, 0, MANY},
    {"unlock", "", "be asked for the passphrase once a shift: the kernel keeps the key",
     "Other commands and the agent then need no passphrase. Where one is given with "
     "--passphrase-file,\n"
     "--passphrase-fd or $DETENTE_PASSPHRASE_FILE, that counts.",
     unlock, cmd_unlock, false, 0, 0},
    {"lock", "", "have the kernel forget the key, now", NULL, NULL, cmd_lock, false, 0, 0},
    {"shift hand-over", "", "hand the desk over to the next operator", NULL, shift_hand_over,
     cmd_shift_hand_over, true, 0, 0},
    {"shift list", "", "who had the desk, since when, and what was open", NULL, NULL,
     cmd_shift_list, true, 0, 0},
    {"backup", "FILE", "write a backup of the home, sealed under a passphrase",
     "Also while an agent runs. It holds keys, letters, records and talk; it does not hold the "
     "state of\n"
     "channels, so that nothing said under it can be read with the backup.",
     backup, cmd_backup, true, 1, 1},
    {"restore", "FILE", "make a home of a backup; it asks to be put into its channels anew", NULL,
     restore, cmd_restore, false, 1, 1},
    {"archive export", "CHANNEL FILE",
     "write a channel's kept talk and records, to be read in twenty years",
     "Text, JSON and what was signed, in a tar inside a sealed file that docs/archive.md "
     "describes. "
     "Tell\n"
     "count and root by another way than the file: they show that it is that archive.",
     archive_export, cmd_archive_export, true, 2, 2},
    {"archive verify", "FILE", "count and hash an archive anew, and check what is signed in it",
     NULL, archive_verify, cmd_archive_verify, false, 1, 1},
    {"archive extract", "FILE DIR", "the same, and unpack it into a new folder", NULL,
     archive_verify, cmd_archive_extract, false, 2, 2},
    {"found", "NAME", "propose a channel", NULL, found, cmd_found, true, 1, 1},
    {"channels", "", "list the channels", NULL, NULL, cmd_channels, true, 0, 0},
    {"roster", "CHANNEL", "who is in a channel", NULL, NULL, cmd_roster, true, 1, 1},
    {"invitations", "", "list invitations", NULL, NULL, cmd_invitations, true, 0, 0},
    {"accept", "[CHANNEL|ID]", "accept an invitation", NULL, NULL, cmd_accept, true, 0, 1},
    {"decline", "[CHANNEL|ID]", "decline an invitation", NULL, NULL, cmd_decline, true, 0, 1},
    {"admit ask", "CHANNEL PERSON", "ask every party to approve a new member", NULL, NULL,
     cmd_admit_ask, true, 2, 2},
    {"admit list", "", "requests to admit someone, ours and others'", NULL, NULL, cmd_admit_list,
     true, 0, 0},
    {"admit approve", "ID", "approve someone else's request for your party", NULL, NULL,
     cmd_admit_approve, true, 1, 1},
    {"admit commit", "ID", "add the new member, when every party approved", NULL, NULL,
     cmd_admit_commit, true, 1, 1},
    {"remove", "CHANNEL PERSON", "remove a member (own party, left, or revoked)", NULL, NULL,
     cmd_remove, true, 2, 2},
    {"leave", "CHANNEL", "leave a channel", NULL, NULL, cmd_leave, true, 1, 1},
    {"rotate", "[CHANNEL]", "replace your session key now, or say how often", NULL, rotate,
     cmd_rotate, true, 0, 1},
    {"rejoin", "CHANNEL", "be put in anew, also in place of another copy of the home", NULL, NULL,
     cmd_rejoin, true, 1, 1},
    {"psk new", "[CHANNEL]", "make a key to be carried by hand, against a later quantum reader",
     NULL, NULL, cmd_psk_new, true, 0, 1},
    {"psk carry", "[CHANNEL]", "write a courier key out to be carried, or take one in", NULL,
     psk_carry, cmd_psk_carry, true, 0, 1},
    {"psk confirm", "[CHANNEL]", "tell the others that you hold a courier key",
     "The fingerprint is what another member reads to you; it is not shown before.", psk_confirm,
     cmd_psk_confirm, true, 0, 1},
    {"psk commit", "[CHANNEL]", "put a courier key to use, when every member has confirmed it",
     NULL, psk_commit, cmd_psk_commit, true, 0, 1},
    {"psk list", "[CHANNEL]", "courier keys that wait, and who has confirmed them", NULL, NULL,
     cmd_psk_list, true, 0, 1},
    {"psk drop", "[CHANNEL]", "drop a courier key that you have not confirmed", NULL, psk_one,
     cmd_psk_drop, true, 0, 1},
    {"send", "CHANNEL [TEXT|-]", "say something (talk: private, not for the record)", NULL, send,
     cmd_send, true, 1, 2},
    {"read", "CHANNEL", "read what was said", NULL, read_, cmd_read, true, 1, 1},
    {"keep destroy", "", "destroy what is past its time by this machine's clock alone",
     "As a rule it is done by itself, once a time that another party gave says the same.",
     keep_destroy, cmd_keep_destroy, true, 0, 0},
    {"keep", "[CHANNEL]", "how long what was said is kept, and what is to be destroyed when", NULL,
     NULL, cmd_keep, true, 0, 1},
    {"understood", "CHANNEL MESSAGE [TEXT|-]",
     "say how you understood a message, before you answer it",
     "Of a message of yours: --right or --wrong, with a TEXT if you like. Understood is not "
     "agreed.",
     understood, cmd_understood, true, 2, 3},
    {"save", "CHANNEL MESSAGE", "write a message or file to a file", NULL, with_out, cmd_save, true,
     2, 2},
    {"bundle export", "[CHANNEL]", "write cells of a channel into a small file, for a poor link",
     "One of --since N (what stands behind position N at the relay), --outgoing (what waits here "
     "to "
     "be appended by someone who reaches the relay) and --ack (how far was read here).",
     bundle_export, cmd_bundle_export, true, 0, 1},
    {"bundle import", "FILE", "take such a file in, or hand it to the relay for its author", NULL,
     NULL, cmd_bundle_import, true, 1, 1},
    {"line confirm", "[CHANNEL]", "say that a person here has seen the others' tests", NULL, NULL,
     cmd_line_confirm, true, 0, 1},
    {"line outage", "[CHANNEL]", "announce that you will be away, so that silence is not a riddle",
     NULL, line_outage, cmd_line_outage, true, 0, 1},
    {"line", "[CHANNEL]", "line tests: when each side was heard last, what was missed and why",
     "Tests are sent and answered by the agents themselves, as often as the charter says (charter "
     "draft --line-test).",
     NULL, cmd_line, true, 0, 1},
    {"template list", "", "the kinds of record", NULL, template_, cmd_template_list, false, 0, 0},
    {"template show", "KIND", "what a kind of record asks: fields, deadline, acknowledgement", NULL,
     template_, cmd_template_show, false, 1, 1},
    {"template check", "FILE", "check a file of entries (JSON or CSV); nothing is sent",
     "As for detente record --from. An entry may name its kind in @kind.", template_check,
     cmd_template_check, false, 1, 1},
    {"template add", "FILE...", "take in templates (JSON) that the charter names",
     "What came of their kinds before is taken in then.", NULL, cmd_template_add, true, 1, MANY},
    {"record destroyed", "[RECORD]", "records that were destroyed by their rule, and who says so",
     "A proof (--out) is verified like any other: detente verify.", record_destroyed,
     cmd_record_destroyed, true, 0, 1},
    {"record", "KIND CHANNEL", "make a record: signed, provable, sealed in the register", NULL,
     record, cmd_record, true, 2, 2},
    {"records", "[CHANNEL]", "list records and answers, with their standing", NULL, records,
     cmd_records, true, 0, 1},
    {"contacts import", "FILE.csv", "keep contacts made elsewhere as private notes",
     "Fields of a note: from, to (times), party (two or more), mode and level (as of a contact, "
     "see "
     "detente\n"
     "template show contact), initiated_by, participants, place, remark, id. All rows or none. "
     "Notes "
     "are "
     "no\n"
     "records: they are not signed, are sent to nobody, and prove nothing.",
     contacts_import, cmd_contacts_import, true, 1, 1},
    {"contacts forget", "SOURCE", "forget the private notes of an import", NULL, NULL,
     cmd_contacts_forget, true, 1, 1},
    {"contacts", "[CHANNEL]", "all contacts: when, who, how, and what each side says of it",
     "From records, with their standing, and from private notes, which are called that.", contacts,
     cmd_contacts, true, 0, 1},
    {"show", "RECORD", "show a record whole", NULL, NULL, cmd_show, true, 1, 1},
    {"due", "", "who owes what, by when: deadlines and acknowledgements",
     "Exit status 1: something that your own party owes is overdue; 0: nothing is.", due, cmd_due,
     true, 0, 0},
    {"receipt", "RECORD", "say that it arrived (not: that you agree)", NULL, answer, cmd_receipt,
     true, 1, 1},
    {"countersign", "RECORD", "attest the same fields",
     "Before a tally is countersigned it is counted anew over your own records of its channel.",
     countersign, cmd_countersign, true, 1, 1},
    {"answer", "RECORD", "reply to a record", NULL, answer, cmd_answer, true, 1, 1},
    {"dispute", "RECORD", "say which field should be what", NULL, dispute, cmd_dispute, true, 1, 1},
    {"withdraw", "RECORD", "withdraw a record of your own party", NULL, answer, cmd_withdraw, true,
     1, 1},
    {"consent", "RECORD", "agree that fields of a record are opened", NULL, consent, cmd_consent,
     true, 1, 1},
    {"carry id", "CHANNEL", "the id of a channel, to be told to who gives leave", NULL, NULL,
     cmd_carry_id, true, 1, 1},
    {"carry leave", "RECORD", "let a record of your party be told in another channel",
     "Word for word, with your signature, in that one channel, by whoever is in both. It is no "
     "consent to open it.",
     carry_leave, cmd_carry_leave, true, 1, 1},
    {"carry send", "RECORD CHANNEL", "tell it there, with proof of whose it is",
     "The fields that its author gave leave for. Without leave nothing is carried, and whoever "
     "gets "
     "it checks.",
     carry_send, cmd_carry_send, true, 2, 2},
    {"readout draft", "CHANNEL", "begin what may be said in public about a contact", NULL,
     readout_draft, cmd_readout_draft, true, 1, 1},
    {"readout line", "READOUT NUMBER", "write a line of it, or one in the place of another",
     "In all its languages at once. Where all sides had agreed to the line before, they see in "
     "which "
     "language it\n"
     "was changed, and agree anew.",
     readout_line, cmd_readout_line, true, 2, 2},
    {"readout agree", "READOUT [NUMBER...]", "agree to lines, in all their languages",
     "With no line named: to all on which your party has not agreed. To agree releases nothing.\n"
     "A line is named by its number, or by the commitment of the version that was read; then no "
     "other one is agreed to.",
     readout_agree, cmd_readout_agree, true, 1, MANY},
    {"readout object", "READOUT NUMBER", "say what a line should be, or that it should not be",
     "A line is named by its number, or by the commitment of the version that was read.",
     readout_object, cmd_readout_object, true, 2, 2},
    {"readout show", "READOUT", "the lines, who agrees to each, and what was changed", NULL, NULL,
     cmd_readout_show, true, 1, 1},
    {"readout release", "READOUT", "consent to the release of all agreed lines, then release them",
     "The first call gives your party's consents. When those of all sides are in the register, "
     "--out or --publish\n"
     "release all lines on which all sides agreed, together; the others stay sealed.",
     readout_release, cmd_readout_release, true, 1, 1},
    {"readout verify", "PROOF...", "check a published readout, offline and without a home",
     "All its proof files at once. Is each line what was sealed, do they belong together, was it "
     "time?",
     readout_verify, cmd_readout_verify, false, 1, MANY},
    {"open", "RECORD", "write a proof file with the opened fields",
     "Whose consent it takes is a rule of the charter; before anything is written it is said which "
     "consents\n"
     "there are. With --reply what is open in public already is opened once more, with the words "
     "of your\n"
     "own answers to it, for which no consent is asked.",
     open_, cmd_open, true, 1, 1},
    {"verify", "PROOF", "check a proof file, offline and without a home",
     "Against the forum id, or root key words, that you got from someone you trust. Without either "
     "the\n"
     "answer can only be: consistent, but whose? A proof that was sealed to you is opened with "
     "your\n"
     "home.",
     verify, cmd_verify, false, 1, 1},
    {"claims import", "CLAIMS.csv", "keep a table of public claims in this home", NULL,
     claims_import, cmd_claims_import, true, 1, 1},
    {"claims check", "[CLAIMS.csv]", "public claims against what can be shown",
     "Without a file: those that were imported into your home.", claims, cmd_claims_check, false, 0,
     1},
    {"claims show", "[CLAIM...]", "what claims say, and what speaks for and against them",
     "Against the records in your home and against the other claims. Nobody's truth is decided.",
     claims_show, cmd_claims_show, true, 0, MANY},
    {"register status", "", "what your copy of the register holds", NULL, NULL, cmd_register, true,
     0, 0},
    {"register check", "", "count and check a register as a stranger",
     "Without --charter and --proof: the register of your home.", register_check,
     cmd_register_check, false, 0, 0},
    {"register cadence", "",
     "the promised rhythm of entries: our slots, what waits, what was missed",
     "A party of several homes shares its slots among them, so that none takes the slots in which "
     "another's\n"
     "records wait: --share 1/2 in one of two homes, --share 2/2 in the other.",
     cadence_keep, cmd_register_cadence, true, 0, 0},
    {"register checkpoint", "", "write out the newest checkpoint you hold, for others to compare",
     NULL, with_out, cmd_register_checkpoint, true, 0, 0},
    {"register compare", "FILE", "hold another's checkpoint against your copy of the register",
     NULL, NULL, cmd_register_compare, true, 1, 1},
    {"register export", "", "write out the entries you hold, for a register that continues it",
     NULL, register_export, cmd_register_export, true, 0, 0},
    {"tally", "FROM TO", "what the entries of a range are, as far as your records tell",
     "FROM and TO, both included, are numbers of entries, or times: of the attested entries that\n"
     "these times take in. A date as TO is the whole day.",
     tally, cmd_tally, true, 2, 2},
    {"evidence export", "", "write out evidence that the register contradicted itself", NULL,
     with_out, cmd_evidence_export, true, 0, 0},
    {"evidence verify", "FILE", "check evidence of a split view", NULL, evidence_verify,
     cmd_evidence_verify, false, 1, 1},
    {"observe", "URL|DIR",
     "follow a register with no key and no home: count, check, tell what lacks",
     "Exit status 0: all is as it should be; 1: it is not, or there is a flag; 5: a split view.",
     observe, cmd_observe, false, 1, 1},
    {"witness keygen", "", DT_WITNESS_KEYGEN_HELP, NULL, witness_keygen, cmd_witness_keygen, false,
     0, 0},
    {"witness vkey", "", DT_WITNESS_VKEY_HELP, NULL, witness_vkey, cmd_witness_vkey, false, 0, 0},
    {"witness run", "", DT_WITNESS_RUN_HELP, NULL, witness_run, cmd_witness_run, false, 0, 0},
    {NULL, NULL, NULL, NULL, NULL, NULL, false, 0, 0},
};
