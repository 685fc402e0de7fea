#!/usr/bin/env python3
"""libmls as a program outside sees it: installed into a folder, found by pkg-config, shared and static.

Use: libmls_installed.py BUILD SOURCE CC
Ends with `N passed, N failed, N skipped`.
"""
import os
import re
import subprocess
import sys
import tempfile

build, source, cc = sys.argv[1:4]
sys.path.insert(0, os.path.join(source, 'tools'))
from counting import Count  # noqa: E402

EXAMPLE = os.path.join(source, 'examples/mls/two_members.c')
SAID = ('Bob reads in epoch 1, from Alice: Shall we meet?\n'
        'Alice reads in epoch 1, from Bob: On Tuesday, at the usual place.\n')
# A program with names of its own that the library uses inside, and a symbol that it must not give away.
CLASH = '''#include <detente/mls.h>
#include <stdio.h>
int dt_hash(void); int mls_tree_add(void);
int dt_hash(void) { return 1; }
int mls_tree_add(void) { return 2; }
int main(void) { return mls_init() == DT_OK && dt_hash() + mls_tree_add() == 3 &&
    mls_version()[0] != 0 && puts(mls_version()) >= 0 ? 0 : 1; }
'''
count = Count()


def run(args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, **more)


def good(what, done):
    count.check(done.returncode == 0, '%s:\n%s' % (what, done.stdout[-4000:]))
    return done.returncode == 0


def exported(path, *options):
    """Names of the functions and data that ${path} gives to others."""
    out = run(['nm', '--defined-only', '--extern-only'] + list(options) + [path]).stdout
    return {re.sub('@.*', '', m) for m in re.findall(r'^[0-9a-f]+ [A-Z] (\S+)$', out, re.M)} - {'LIBMLS_0'}


with tempfile.TemporaryDirectory() as top:
    good('meson install', run(['meson', 'install', '-C', build, '--no-rebuild', '--destdir', top]))
    found = run(['find', top, '-name', 'libmls.pc']).stdout.split()
    count.check(len(found) == 1, 'libmls.pc is installed once: %s' % found)
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found[0]), PKG_CONFIG_SYSROOT_DIR=top)

    def config(*args):
        done = run(['pkg-config'] + list(args) + ['libmls'], env=env)
        good('pkg-config ' + ' '.join(args), done)
        return done.stdout.split()

    version = config('--modversion')[0]
    count.check(bool(re.fullmatch(r'\d+\.\d+\.\d+', version)), 'a semantic version: ' + version)
    cflags, libs = config('--cflags'), config('--libs')
    libdir = os.path.join(top, config('--variable=libdir')[0].replace(top, '').lstrip('/'))
    include = next(f[2:] for f in cflags if f.startswith('-I') and not f.endswith('/detente'))
    headers = [os.path.join(d, f) for d, _, names in os.walk(include) for f in names]
    count.check(len(headers) > 5, 'the headers are installed: %s' % headers)

    # What the headers declare, that and nothing else, is there; shared and static alike.
    names = set(run([os.path.join(source, 'tools/libmls-exports'), '--names'] + headers).stdout.split())
    count.check('mls_group_process' in names and len(names) > 50, 'the headers declare %d functions' % len(names))
    for name, how in (('libmls.so', ['-D']), ('libmls.a', [])):
        have = exported(os.path.join(libdir, name), *how)
        count.check(have == names, '%s gives more: %s; lacks: %s' % (name, sorted(have - names), sorted(names - have)))
    # Only base and crypto beside it: no header of another room came along.
    rooms = {os.path.relpath(h, include).split('/')[1] for h in headers if h.count('/') - include.count('/') > 2}
    count.check(rooms == {'base', 'crypto', 'mls'}, 'rooms of the headers: %s' % sorted(rooms))
    for h in sorted(headers):
        text = '#include "%s"\n' % h * 2
        good('header alone: ' + os.path.relpath(h, include),
             run([cc, '-std=c17', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-x', 'c', '-'] + cflags, input=text))

    clash = os.path.join(top, 'clash.c')
    with open(clash, 'w', encoding='utf-8') as f:
        f.write(CLASH)
    static = [os.path.join(libdir, 'libmls.a')] + \
        run(['pkg-config', '--libs', 'libcrypto', 'libsodium']).stdout.split() + ['-pthread']
    for kind, link in (('shared', libs), ('static', static)):
        for name, text, said in (('two_members', EXAMPLE, SAID), ('clash', clash, version + '\n')):
            exe = os.path.join(top, name + '-' + kind)
            if good('%s, %s' % (name, kind),
                    run([cc, '-std=c17', '-Wall', '-Wextra', '-Werror', text, '-o', exe] + cflags + link)):
                done = run([exe], env=dict(os.environ, LD_LIBRARY_PATH=libdir))
                count.check(done.returncode == 0 and done.stdout == said, '%s, %s: %s' % (name, kind, done.stdout))
    with open(EXAMPLE, encoding='utf-8') as f:
        n = len(f.readlines())
    count.check(n <= 120, 'the example has %d lines' % n)
count.finish()
