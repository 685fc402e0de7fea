#!/usr/bin/env python3
"""The commands and options in the manual pages of detente are what the program's --help says.

Use: man_options.py DETENTE MAN_FOLDER [--write]
Between the two marker comments of detente.1 stand the groups of commands and the options of every command; between those of
detente-GROUP.1 the group's commands with their options, all made from --help. Without --write: compare, print the
differences, exit with 1 when there are any. With --write: put the lists in.
"""
import difflib
import glob
import os
import re
import subprocess
import sys

BEGIN = '.\\" ---- commands: from --help by tests/cli/man_options.py ----\n'
END = '.\\" ---- end of commands ----\n'


def helped(program, words):
    done = subprocess.run([program] + words + ['--help'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    if done.returncode != 0:
        sys.exit('detente %s --help ends with %d' % (' '.join(words), done.returncode))
    return done.stdout.decode('utf-8')


def options_of(text, heading):
    """[(option, argument or None, help)] below a heading of --help."""
    part = text.split('\n' + heading + '\n', 1)
    if len(part) == 1:
        return []
    out = []
    for line in part[1].splitlines():
        m = re.match(r'^  --([a-z][a-z0-9-]*)(?: (\S+))? +(\S.*)$', line)
        if m is None:
            break
        out.append((m.group(1), m.group(2), m.group(3)))
    return out


def plain(text):
    """Text as input lines of a page: nothing in it is a macro or an escape."""
    out = ''
    for line in re.sub(r'([.?!]) ', r'\1\n', text).splitlines(): # a sentence, a line
        line = line.replace('\\', '\\e').replace('--', '\\-\\-')
        if line[:1] in ".'":
            line = '\\&' + line
        out += line + '\n'
    return out


def items(options):
    out = ''
    for name, arg, text in options:
        out += '.It Fl \\-%s%s\n%s' % (name, ' Ar ' + arg if arg else '', plain(text))
    return out


def operands(text):
    """CHANNEL [TEXT|-] as macros."""
    out = ''
    for word in text.split():
        if word.startswith('['):
            out += ' Oo Ar %s Oc' % word.strip('[]')
        else:
            out += ' Ar %s' % word
    return out


def groups_of(top):
    """[(page, title, [command])] in the order of --help."""
    out = []
    for line in top.split('\nCommands:\n')[1].split('\nOptions of')[0].splitlines():
        heading = re.match(r'^(\S.*), detente-([a-z]+)\(1\):$', line)
        command = re.match(r'^  ([a-z]+(?: [a-z-]+)?) {2,}\S', line)
        if heading:
            out.append((heading.group(2), heading.group(1), []))
        elif command and out:
            out[-1][2].append(command.group(1))
        elif line.strip():
            sys.exit('a line of --help that belongs to no group: ' + line)
    return out


def command_list(program, names):
    """What stands in a group's page."""
    out = ''
    for name in names:
        text = helped(program, name.split())
        m = re.match(r'usage: detente %s( \[options\])?(?: (.*))?\n\n(.*)\n((?:\n(?!Options)[^\n]+(?:\n[^\n]+)*\n)?)'
                     % re.escape(name), text)
        if m is None:
            sys.exit('the help of %s is not as expected' % name)
        out += '.It Cm %s%s%s\n%s' % (name, ' Oo Ar options Oc' if m.group(1) else '', operands(m.group(2) or ''),
                                      plain(m.group(3)))
        if m.group(4).strip():
            out += '.Pp\n' + plain(m.group(4).strip())
        own = options_of(text, 'Options:')
        if own:
            out += '.Bl -tag -width Ds -compact\n' + items(own) + '.El\n'
    return '.Bl -tag -width Ds\n' + out + '.El\n'


def overview(top, groups):
    """What stands in detente.1."""
    out = '.Ss Commands\n.Bl -tag -width Ds\n'
    for page, title, names in groups:
        out += '.It Xr detente-%s 1\n%s:\n' % (page, title)
        out += ''.join('.Cm %s ,\n' % n for n in names[:-1]) + '.Cm %s .\n' % names[-1]
    return (out + '.El\n.Ss Options of every command\n.Bl -tag -width Ds -compact\n'
            + items(options_of(top, 'Options of every command:')) + '.El\n')


def one_page(path, want, write):
    """Compare the list in the page, or put it in. 1 when it differs."""
    try:
        with open(path, encoding='utf-8') as f:
            page = f.read()
    except FileNotFoundError:
        print('%s is not there' % path)
        return 1
    before, rest = page.split(BEGIN)
    have, after = rest.split(END)
    if write:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(before + BEGIN + want + END + after)
        return 0
    if have != want:
        print(''.join(difflib.unified_diff(have.splitlines(True), want.splitlines(True), path, '--help')))
        return 1
    # The front page also says what every exit status means, as --help does.
    for code in range(5):
        if os.path.basename(path) == 'detente.1' and '.It %d\n' % code not in after:
            print('the page does not explain exit status %d' % code)
            return 1
    return 0


def main():
    if len(sys.argv) not in (3, 4) or (len(sys.argv) == 4 and sys.argv[3] != '--write'):
        sys.exit('Use: man_options.py DETENTE MAN_FOLDER [--write]')
    program, folder = sys.argv[1:3]
    top = helped(program, [])
    groups = groups_of(top)
    wanted = {'detente.1': overview(top, groups)}
    for page, _, names in groups:
        wanted['detente-%s.1' % page] = command_list(program, names)
    bad = 0
    for path in glob.glob(folder + '/detente*.1'):
        if os.path.basename(path) not in wanted:
            print('%s is the page of no group of --help' % path)
            bad = 1
    for name, want in wanted.items():
        bad |= one_page(os.path.join(folder, name), want, len(sys.argv) == 4)
    return bad


sys.exit(main())
