/*
 * log/policy.c - building, reading and writing a policy; see policy.h. Evaluation is in
 * policy_eval.c.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "log/line.h"
#include "log/policy.h"

#define LINE_PARTS_MAX (TLOG_POLICY_NODES_MAX + 3) /* group, name, k, every node */

static void
node_clear(struct tlog_policy_node *node)
{
    dt_free(node->name);
    dt_free(node->url);
    dt_free(node->members);
}

void
tlog_policy_clear(struct tlog_policy *p)
{
    size_t i;

    if (p == NULL)
        return;
    for (i = 0; i < p->n_logs; i++)
        dt_free(p->logs[i].url);
    for (i = 0; i < p->n_nodes; i++)
        node_clear(&p->nodes[i]);
    dt_free(p->logs);
    dt_free(p->nodes);
    memset(p, 0, sizeof(*p));
}

/* The bytes that a policy file may hold inside a word (c2sp.org/tlog-policy, Character set). */
static bool
word_valid(struct dt_view v, size_t max)
{
    size_t i;

    for (i = 0; i < v.n; i++) {
        if (v.p[i] <= 0x20 || v.p[i] == 0x7f)
            return false;
    }
    return v.n > 0 && v.n <= max;
}

static bool
str_equal(const char *s, struct dt_view v)
{
    return dt_view_equal(dt_view_str(s), v);
}

size_t
tlog_policy_find(const struct tlog_policy *p, struct dt_view name)
{
    size_t i;

    for (i = 0; i < p->n_nodes; i++) {
        if (str_equal(p->nodes[i].name, name))
            return i;
    }
    return TLOG_POLICY_NO_NODE;
}

size_t
tlog_policy_find_key(const struct tlog_policy *p, const struct tlog_vkey *key)
{
    size_t i;

    for (i = 0; i < p->n_nodes; i++) {
        if (!p->nodes[i].is_group && tlog_vkey_equal(&p->nodes[i].key, key))
            return i;
    }
    return TLOG_POLICY_NO_NODE;
}

/* One public key counts once; and name and id must name one key only. */
static bool
keys_clash(const struct tlog_vkey *a, const struct tlog_vkey *b)
{
    return memcmp(a->pub, b->pub, sizeof(a->pub)) == 0 ||
           (a->id == b->id && strcmp(a->name, b->name) == 0);
}

/* A copy of ${url}, or NULL when it is empty. */
static enum dt_err
url_copy(struct dt_view url, char **out)
{
    *out = NULL;
    if (url.n == 0)
        return DT_OK;
    if (!word_valid(url, TLOG_POLICY_URL_MAX))
        return dt_fail(DT_ERR_FORMAT, "not usable as the URL of a log or witness");
    *out = dt_strndup((const char *)url.p, url.n);
    return *out != NULL ? DT_OK : dt_nomem();
}

enum dt_err
tlog_policy_add_log(struct tlog_policy *p, const struct tlog_vkey *key, struct dt_view url)
{
    struct tlog_policy_log *logs;
    struct tlog_policy_log log = {.key = *key};
    enum dt_err err;
    size_t i;

    if (key->type != TLOG_KEY_ED25519)
        return dt_fail(DT_ERR_FORMAT, "this key is not of a type for logs");
    for (i = 0; i < p->n_logs; i++) {
        if (keys_clash(&p->logs[i].key, key))
            return dt_fail(DT_ERR_EXISTS, "the key of a log is there twice");
    }
    if (p->n_logs == TLOG_POLICY_LOGS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %d logs", TLOG_POLICY_LOGS_MAX);
    err = url_copy(url, &log.url);
    if (err != DT_OK)
        return err;
    logs = dt_realloc(p->logs, p->n_logs + 1, sizeof(*logs));
    if (logs == NULL) {
        dt_free(log.url);
        return dt_nomem();
    }
    p->logs = logs;
    p->logs[p->n_logs++] = log;
    return DT_OK;
}

/* Can a node be called ${name}, and is there room for one? */
static enum dt_err
node_check(const struct tlog_policy *p, struct dt_view name)
{
    if (!word_valid(name, TLOG_POLICY_NAME_MAX) || str_equal("none", name))
        return dt_fail(DT_ERR_FORMAT, "not usable as the name of a witness or group");
    if (tlog_policy_find(p, name) != TLOG_POLICY_NO_NODE)
        return dt_fail(DT_ERR_EXISTS, "a name is defined twice");
    if (p->n_nodes == TLOG_POLICY_NODES_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %d witnesses and groups", TLOG_POLICY_NODES_MAX);
    return DT_OK;
}

/* Move ${node} to the end of the nodes. */
static enum dt_err
node_append(struct tlog_policy *p, struct tlog_policy_node *node)
{
    struct tlog_policy_node *nodes = dt_realloc(p->nodes, p->n_nodes + 1, sizeof(*nodes));

    if (nodes == NULL)
        return dt_nomem();
    p->nodes = nodes;
    p->nodes[p->n_nodes++] = *node;
    memset(node, 0, sizeof(*node));
    return DT_OK;
}

enum dt_err
tlog_policy_add_witness(struct tlog_policy *p, struct dt_view name, const struct tlog_vkey *key,
                        struct dt_view url)
{
    DT_CLEANUP(node_clear)
    struct tlog_policy_node node = {.key = *key, .parent = TLOG_POLICY_NO_NODE};
    enum dt_err err;
    size_t i;

    err = node_check(p, name);
    if (err != DT_OK)
        return err;
    if (key->type != TLOG_KEY_COSIGNATURE)
        return dt_fail(DT_ERR_FORMAT, "this key is not of a type for witnesses");
    for (i = 0; i < p->n_nodes; i++) {
        if (!p->nodes[i].is_group && keys_clash(&p->nodes[i].key, key))
            return dt_fail(DT_ERR_EXISTS, "the key of a witness is there twice");
    }
    err = url_copy(url, &node.url);
    if (err != DT_OK)
        return err;
    node.name = dt_strndup((const char *)name.p, name.n);
    return node.name != NULL ? node_append(p, &node) : dt_nomem();
}

enum dt_err
tlog_policy_add_group(struct tlog_policy *p, struct dt_view name, size_t k,
                      const struct dt_view *members, size_t n_members)
{
    DT_CLEANUP(node_clear)
    struct tlog_policy_node node = {.is_group = true, .k = k, .parent = TLOG_POLICY_NO_NODE};
    enum dt_err err;
    size_t i, j;

    err = node_check(p, name);
    if (err != DT_OK)
        return err;
    if (k < 1 || k > n_members)
        return dt_fail(DT_ERR_RANGE, "a group needs 1 to all of its members");
    if (n_members > TLOG_POLICY_NODES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a group has too many members");
    node.members = dt_alloc(n_members, sizeof(*node.members));
    node.name = dt_strndup((const char *)name.p, name.n);
    if (node.members == NULL || node.name == NULL)
        return dt_nomem();
    for (i = 0; i < n_members; i++) {
        size_t member = tlog_policy_find(p, members[i]);

        if (member == TLOG_POLICY_NO_NODE)
            return dt_fail(DT_ERR_NOT_FOUND,
                           "a group names a member that is not defined before it");
        if (p->nodes[member].parent != TLOG_POLICY_NO_NODE)
            return dt_fail(DT_ERR_CONFLICT, "a member is in two groups");
        for (j = 0; j < i; j++) {
            if (node.members[j] == member)
                return dt_fail(DT_ERR_CONFLICT, "a group names a member twice");
        }
        node.members[i] = member;
    }
    node.n_members = n_members;
    err = node_append(p, &node);
    if (err != DT_OK)
        return err;
    for (i = 0; i < n_members; i++)
        p->nodes[p->nodes[p->n_nodes - 1].members[i]].parent = p->n_nodes - 1;
    return DT_OK;
}

enum dt_err
tlog_policy_set_quorum(struct tlog_policy *p, struct dt_view name)
{
    size_t node = TLOG_POLICY_NO_NODE;

    if (p->has_quorum)
        return dt_fail(DT_ERR_EXISTS, "the quorum is there twice");
    if (!str_equal("none", name)) {
        node = tlog_policy_find(p, name);
        if (node == TLOG_POLICY_NO_NODE)
            return dt_fail(DT_ERR_NOT_FOUND, "the quorum names what is not defined before it");
    }
    p->quorum = node;
    p->has_quorum = true;
    return DT_OK;
}

/* ---- the file ---- */

/* The words of ${line}, at most ${max}; the number found may be larger than what was stored. */
static size_t
split_words(struct dt_view line, struct dt_view *out, size_t max)
{
    size_t i = 0, n = 0, start;

    while (i < line.n) {
        while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
            i++;
        start = i;
        while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t')
            i++;
        if (i > start) {
            if (n < max)
                out[n] = dt_view(line.p + start, i - start);
            n++;
        }
    }
    return n;
}

static enum dt_err
parse_group(struct tlog_policy *p, const struct dt_view *words, size_t n)
{
    size_t n_members = n - 3;
    uint64_t k = 1;
    enum dt_err err;

    if (str_equal("all", words[2])) {
        k = n_members;
    } else if (!str_equal("any", words[2])) {
        err = dt_decimal_read(words[2], TLOG_POLICY_NODES_MAX, &k);
        if (err != DT_OK)
            return dt_fail_context(err, "threshold of a group");
    }
    return tlog_policy_add_group(p, words[1], (size_t)k, words + 3, n_members);
}

static enum dt_err
parse_line(struct tlog_policy *p, struct dt_view line)
{
    struct dt_view words[LINE_PARTS_MAX];
    struct tlog_vkey key;
    size_t n = split_words(line, words, LINE_PARTS_MAX);
    struct dt_view none = {NULL, 0};
    enum dt_err err;

    if (n > LINE_PARTS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %d words", LINE_PARTS_MAX);
    if (n == 0 || words[0].p[0] == '#')
        return DT_OK;
    if (str_equal("log", words[0]) && (n == 2 || n == 3)) {
        err = tlog_vkey_parse(words[1], &key);
        return err != DT_OK ? err : tlog_policy_add_log(p, &key, n == 3 ? words[2] : none);
    }
    if (str_equal("witness", words[0]) && (n == 3 || n == 4)) {
        err = tlog_vkey_parse(words[2], &key);
        return err != DT_OK ? err
                            : tlog_policy_add_witness(p, words[1], &key, n == 4 ? words[3] : none);
    }
    if (str_equal("group", words[0]) && n >= 4)
        return parse_group(p, words, n);
    if (str_equal("quorum", words[0]) && n == 2)
        return tlog_policy_set_quorum(p, words[1]);
    return dt_fail(DT_ERR_FORMAT, "not a log, witness, group or quorum line");
}

/* Comments may be longer than any line that we read; only their bytes matter. */
static bool
is_comment(struct dt_view line)
{
    while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
        line = dt_view(line.p + 1, line.n - 1);
    return line.n > 0 && line.p[0] == '#';
}

/* Everything wrong with a file is FORMAT to its reader, but for limits and keys of other kinds. */
static enum dt_err
file_err(enum dt_err err)
{
    switch (err) {
    case DT_ERR_EXISTS:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_CONFLICT:
    case DT_ERR_RANGE:
        return DT_ERR_FORMAT;
    default:
        return err;
    }
}

enum dt_err
tlog_policy_parse(struct dt_view text, struct tlog_policy *out)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    struct dt_view rest = text, line;
    size_t i, number = 0;
    enum dt_err err;

    if (text.n > TLOG_POLICY_MAX)
        return dt_fail(DT_ERR_LIMIT, "a policy is longer than %u bytes", TLOG_POLICY_MAX);
    for (i = 0; i < text.n; i++) {
        if ((text.p[i] < 0x20 && text.p[i] != '\n' && text.p[i] != '\t') || text.p[i] == 0x7f)
            return dt_fail(DT_ERR_FORMAT, "a policy holds a control character at byte %zu", i);
    }
    while (rest.n > 0) {
        number++;
        if (!tlog_line_next(&rest, &line))
            return dt_fail(DT_ERR_FORMAT, "line %zu of the policy has no line feed", number);
        if (is_comment(line))
            continue;
        err = parse_line(&p, line);
        if (err != DT_OK)
            return dt_fail_context(file_err(err), "line %zu of the policy", number);
    }
    if (!p.has_quorum)
        return dt_fail(DT_ERR_FORMAT, "a policy has no quorum line");
    *out = p;
    memset(&p, 0, sizeof(p));
    return DT_OK;
}

static enum dt_err
write_key(const struct tlog_vkey *key, const char *url, struct dt_buf *out)
{
    enum dt_err err = tlog_vkey_write(key, out);

    if (err == DT_OK && url != NULL)
        err = dt_buf_printf(out, " %s", url);
    return err != DT_OK ? err : dt_buf_append(out, dt_view_str("\n"));
}

static enum dt_err
write_group(const struct tlog_policy *p, const struct tlog_policy_node *node, struct dt_buf *out)
{
    enum dt_err err;
    size_t i;

    if (node->k == 1)
        err = dt_buf_printf(out, "group %s any", node->name);
    else if (node->k == node->n_members)
        err = dt_buf_printf(out, "group %s all", node->name);
    else
        err = dt_buf_printf(out, "group %s %zu", node->name, node->k);
    for (i = 0; err == DT_OK && i < node->n_members; i++)
        err = dt_buf_printf(out, " %s", p->nodes[node->members[i]].name);
    return err != DT_OK ? err : dt_buf_append(out, dt_view_str("\n"));
}

enum dt_err
tlog_policy_write(const struct tlog_policy *p, struct dt_buf *out)
{
    enum dt_err err;
    size_t i;

    if (!p->has_quorum)
        return dt_fail(DT_ERR_STATE, "a policy has no quorum yet");
    for (i = 0; i < p->n_logs; i++) {
        if ((err = dt_buf_append(out, dt_view_str("log "))) != DT_OK ||
            (err = write_key(&p->logs[i].key, p->logs[i].url, out)) != DT_OK)
            return err;
    }
    for (i = 0; i < p->n_nodes; i++) {
        const struct tlog_policy_node *node = &p->nodes[i];

        if (node->is_group)
            err = write_group(p, node, out);
        else if ((err = dt_buf_printf(out, "witness %s ", node->name)) == DT_OK)
            err = write_key(&node->key, node->url, out);
        if (err != DT_OK)
            return err;
    }
    return dt_buf_printf(out, "quorum %s\n",
                         p->quorum == TLOG_POLICY_NO_NODE ? "none" : p->nodes[p->quorum].name);
}
