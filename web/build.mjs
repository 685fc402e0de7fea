// Builds web/dist/console from web/console: node build.mjs [--modules FOLDER] [--out FOLDER]
// The same sources and lock file give the same bytes. It fails when a part is larger than its budget, or when what it
// made is not exactly what console/files.txt lists (the C build embeds that list).
import {mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {gzipSync} from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));

function option(name, standard) {
    const i = process.argv.indexOf('--' + name);
    return i < 0 ? standard : path.resolve(process.argv[i + 1]);
}

// First load: what the page needs before it shows its first screen. The rest is loaded when it is asked for.
const budgets = [
    {what: 'JavaScript of the first load', files: ['app.js', 'common.js'], most: 30 * 1024},
    {what: 'style sheet', files: ['app.css'], most: 8 * 1024},
    {what: 'map', files: ['map.js'], most: 15 * 1024},
];

const form = (key) => key.replace(/\.(zero|one|two|few|many|other)$/, '');

/**
 * Every string of the English file is in each language, in every form that its plural rules know, with the same places
 * for values; none has others; and each says that nobody has reviewed it.
 */
function checkStrings(from) {
    const read = (f) => JSON.parse(readFileSync(path.join(from, f), 'utf8'));
    const english = read('en.json');
    const known = new Set(Object.keys(english).map(form));
    const counted = new Set(Object.keys(english).filter((key) => key.endsWith('.other') && form(key) + '.one' in english).map(form));
    const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
    for (const file of readdirSync(from).sort()) {
        const strings = read(file);
        const wrong = [];
        const {pluralCategories} = new Intl.PluralRules(file.slice(0, -5)).resolvedOptions();
        if (file !== 'en.json' && !/^machine-drafted/.test(strings._note || '')) throw new Error(file + ': no note that it is machine-drafted');
        for (const key of Object.keys(strings)) if (key !== '_note' && !known.has(form(key))) wrong.push('English has no ' + key);
        for (const key of known)
            for (const k of counted.has(key) ? pluralCategories.map((c) => key + '.' + c) : [key]) {
                const want = english[k] || english[key + '.other'];
                if (!strings[k]) wrong.push('no ' + k);
                // A form that stands for one number need not name it.
                else if (holes(strings[k]).filter((h) => h !== 'n' || !counted.has(key)).join() !== holes(want).filter((h) => h !== 'n' || !counted.has(key)).join() || (k.endsWith('.other') && !strings[k].includes('{n}') !== !want.includes('{n}'))) wrong.push(k + ' has other places for values than in English');
            }
        if (wrong.length) throw new Error(file + ': ' + wrong.slice(0, 20).join('; ') + (wrong.length > 20 ? '; and ' + (wrong.length - 20) + ' more' : ''));
    }
}

/**
 * The English words that the first load needs: those that its files name, whole or by the begin of a group; the rest
 * comes with the second part.
 */
function parted(english, files) {
    const text = files.map((f) => readFileSync(f, 'utf8')).join('\n');
    const named = new Set([...text.matchAll(/'([\w.:-]+)'/g)].map((m) => m[1]));
    const groups = [...text.matchAll(/'(\w+\.\w*)' \+/g), ...text.matchAll(/word\('(\w+)'/g)].map((m) => (m[0].startsWith('word') ? m[1] + '.' : m[1]));
    const first = {};
    const rest = {};
    for (const [key, value] of Object.entries(english)) {
        const needed = named.has(key) || named.has(form(key)) || groups.some((g) => key.startsWith(g));
        (needed ? first : rest)[key] = value;
    }
    return {first, rest};
}

function listed(folder, under = '') {
    return readdirSync(path.join(folder, under), {withFileTypes: true})
        .flatMap((e) => (e.isDirectory() ? listed(folder, path.join(under, e.name)) : [path.join(under, e.name)]))
        .sort();
}

async function main() {
    const modules = option('modules', path.join(here, 'node_modules'));
    const out = path.join(option('out', path.join(here, 'dist')), 'console');
    const source = path.join(here, 'console');
    const need = createRequire(pathToFileURL(path.join(modules, 'x.js')));
    const esbuild = need('esbuild');

    checkStrings(path.join(source, 'strings'));
    rmSync(out, {recursive: true, force: true});
    mkdirSync(path.join(out, 'strings'), {recursive: true});
    const english = JSON.parse(readFileSync(path.join(source, 'strings/en.json'), 'utf8'));
    let words = {first: english, rest: {}};
    const strings = {
        name: 'strings',
        setup(build) {
            build.onResolve({filter: /^english:rest$/}, () => ({path: 'rest', namespace: 'english'}));
            build.onLoad({filter: /.*/, namespace: 'english'}, () => ({contents: JSON.stringify(words.rest), loader: 'json'}));
            build.onLoad({filter: /strings\/en\.json$/}, () => ({contents: JSON.stringify(words.first), loader: 'json'}));
        },
    };
    const options = {
        absWorkingDir: here,
        entryPoints: {app: 'console/main.js', more: 'console/more.js', map: 'console/map.js', verify: 'console/verify.js'},
        bundle: true,
        splitting: true,
        format: 'esm',
        target: 'es2022',
        minify: true,
        charset: 'utf8',
        legalComments: 'none',
        nodePaths: [modules],
        // What several parts share is one file; two such files would have one name, and esbuild refuses that.
        chunkNames: 'common',
        outdir: out,
        logLevel: 'warning',
        plugins: [strings],
    };
    // Once to learn which files make up the first load, then with its words alone in it.
    const {metafile} = await esbuild.build({...options, metafile: true, write: false});
    const first = Object.entries(metafile.outputs)
        .filter(([name]) => ['app.js', 'common.js'].includes(path.basename(name)))
        .flatMap(([, o]) => Object.keys(o.inputs))
        .filter((f) => f.startsWith('console/') && f.endsWith('.js'));
    words = parted(english, first.map((f) => path.join(here, f)));
    await esbuild.build(options);
    const css = await esbuild.transform(readFileSync(path.join(source, 'console.css'), 'utf8'), {loader: 'css', minify: true});
    writeFileSync(path.join(out, 'app.css'), css.code);
    writeFileSync(path.join(out, 'index.html'), readFileSync(path.join(source, 'index.html')));
    for (const file of readdirSync(path.join(source, 'strings')))
        if (file !== 'en.json') writeFileSync(path.join(out, 'strings', file), JSON.stringify(JSON.parse(readFileSync(path.join(source, 'strings', file), 'utf8'))));
    // Coarse outlines of land, Natural Earth 1:110m: public domain.
    writeFileSync(path.join(out, 'world.json'), readFileSync(path.join(modules, 'world-atlas', 'land-110m.json')));

    // What is bundled is another's work: its notices go with it.
    const notices = ['preact', 'htm', 'd3-geo', 'd3-array', 'internmap', 'topojson-client', 'world-atlas'].map((name) => {
        const folder = path.join(modules, name);
        const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
        const {version, license} = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
        return `${name} ${version} (${license})\n\n${file ? readFileSync(path.join(folder, file), 'utf8').trim() : ''}\n`;
    });
    writeFileSync(path.join(out, 'licenses.txt'), notices.join('\n----\n\n'));

    let wrong = 0;
    for (const {what, files, most} of budgets) {
        const size = files.reduce((n, f) => n + gzipSync(readFileSync(path.join(out, f)), {level: 9}).length, 0);
        process.stdout.write(`${what}: ${size} of ${most} bytes (gzip)\n`);
        if (size > most) {
            process.stderr.write(`build.mjs: ${what} is too large\n`);
            wrong++;
        }
    }
    const want = readFileSync(path.join(source, 'files.txt'), 'utf8').trim().split('\n').sort();
    const have = listed(out);
    if (want.join() !== have.join()) {
        process.stderr.write(`build.mjs: console/files.txt lists\n  ${want.join(' ')}\nbut built were\n  ${have.join(' ')}\n`);
        wrong++;
    }
    for (const f of have) if (statSync(path.join(out, f)).size === 0) wrong++;
    if (wrong > 0) process.exit(1);
}

await main();
