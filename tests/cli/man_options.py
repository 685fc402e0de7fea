#!/usr/bin/env python3
"""The list of commands and options in man/detente.1 is what the program's --help says.

Use: man_options.py DETENTE man/detente.1 [--write]
Between the two marker comments of the page stands a list made from `detente COMMAND --help`. Without --write: compare,
print the differences, exit with 1 when there are any. With --write: put the list in.
"""
import difflib
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
        m = re.match(r'^  --([a-z-]+)(?: (\S+))? +(\S.*)$', line)
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


def page_list(program):
    top = helped(program, [])
    names = [m.group(1) for m in re.finditer(r'^  ([a-z]+(?: [a-z]+)?) +\S', top.split('\nCommands:\n')[1]
                                             .split('\nOptions of')[0], re.M)]
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
    common = options_of(top, 'Options of every command:')
    return ('.Ss Commands\n.Bl -tag -width Ds\n' + out + '.El\n.Ss Options of every command\n'
            '.Bl -tag -width Ds -compact\n' + items(common) + '.El\n')


def main():
    if len(sys.argv) not in (3, 4) or (len(sys.argv) == 4 and sys.argv[3] != '--write'):
        sys.exit('Use: man_options.py DETENTE man/detente.1 [--write]')
    program, path = sys.argv[1:3]
    with open(path, encoding='utf-8') as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    have, after = rest.split(END)
    want = page_list(program)
    if len(sys.argv) == 4:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(before + BEGIN + want + END + after)
        return 0
    if have != want:
        print(''.join(difflib.unified_diff(have.splitlines(True), want.splitlines(True), 'the page', '--help')))
        return 1
    # The page also says what every exit status means, as --help does.
    for code in range(5):
        if '.It %d\n' % code not in after:
            print('the page does not explain exit status %d' % code)
            return 1
    return 0


sys.exit(main())
