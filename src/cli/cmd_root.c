/*
 * cli/cmd_root.c - detente root new | words: a party's root key, kept offline, and the words people
 * compare.
 */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "record/words.h"

#include "cli/commands.h"
#include "cli/rootfile.h"

static enum dt_err
show_words(struct cli *c, json_t *list, const char *file, const uint8_t pub[static 32])
{
    uint8_t id[DT_ROOT_ID];
    char words[DT_KEY_WORDS_STR];
    enum dt_err err = dt_root_id(pub, id);

    if (err != DT_OK)
        return err;
    dt_key_words(id, words);
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "file", file);
        cli_put(o, "words", words);
        cli_put_hex(o, "root_id", dt_view_of(id));
        cli_put_hex(o, "public_key", dt_view(pub, 32));
        (void)json_array_append_new(list, o);
    } else {
        cli_print("%s\n", words);
    }
    return DT_OK;
}

static enum dt_err
finish(struct cli *c, json_t *list)
{
    json_t *root;

    if (!c->json) {
        json_decref(list);
        return DT_OK;
    }
    root = json_object();
    (void)json_object_set_new(root, "roots", list);
    return cli_json(root);
}

enum dt_err
cmd_root_new(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(DT_ROOTFILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = DT_BUF_INIT(DT_ROOTFILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    uint8_t raw[DT_ED25519_PUB];
    const char *out = NULL;
    json_t *list;
    enum dt_err err;

    if ((err = cli_need(c, "out", &out)) != DT_OK)
        return err;
    if ((err = dt_buf_printf(&path, "%s.pub", out)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    /* The public line too: it may be all that is left here of a key that was taken offline. */
    if (dt_file_exists(out) || dt_file_exists((const char *)path.p))
        return dt_fail(DT_ERR_EXISTS, "%s is there already; a root key is never overwritten",
                       dt_file_exists(out) ? out : (const char *)path.p);
    if ((err = cli_passphrase(c, "the new root key", true, &passphrase)) != DT_OK ||
        (err = dt_rootfile_new(dt_secret_view(&passphrase), &key, &pub)) != DT_OK ||
        (err = dt_rootfile_pub(dt_buf_view(&pub), raw)) != DT_OK ||
        (err = dt_file_create(out, dt_buf_view(&key), 0600)) != DT_OK)
        return err;
    if ((err = dt_file_create((const char *)path.p, dt_buf_view(&pub), 0644)) != DT_OK) {
        (void)unlink(out); /* nobody has seen this key's words: the next try makes another */
        return err;
    }
    cli_note(c, "root key in %s (keep it offline), public line in %s; its words:", out,
             (const char *)path.p);
    list = json_array();
    if ((err = show_words(c, list, out, raw)) != DT_OK) {
        json_decref(list);
        return err;
    }
    return finish(c, list);
}

enum dt_err
cmd_root_words(struct cli *c)
{
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < c->n_operands && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
        uint8_t pub[DT_ED25519_PUB];

        if ((err = cli_file(c->operand[i], &b)) == DT_OK &&
            (err = dt_fail_context(dt_rootfile_pub(dt_buf_view(&b), pub), "%s", c->operand[i])) ==
                DT_OK)
            err = show_words(c, list, c->operand[i], pub);
    }
    if (err != DT_OK) {
        json_decref(list);
        return err;
    }
    return finish(c, list);
}
