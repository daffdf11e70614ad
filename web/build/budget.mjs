// Weighs what a first visit to the owner's page loads, in bytes of brotli, from the files in `dist`.
// A phone on a slow network is the reference: `--strict` fails when the page outgrew it.
//
// Whatever the page can reach counts, unless it is named here as needed later: what is new weighs
// until somebody decides that it may wait. `--list` names what is loaded to sign in.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const dist = join(web, 'dist');

// What the page weighs today, and little more: it may not grow. The goals are 150,000 and 300,000.
const limits = { signIn: 435_000, readAndAdd: 491_000 };

/** Loaded on demand and yet needed to sign in: the client's worker and the client. */
const signIn = [/^(owner|vault)\b.*worker/, /^owner-.*\.wasm$/];

/**
 * Needed neither to read papers nor to add them: showing a PDF, reading a QR, taking all away, looking
 * at what others sent, saving what shows that a log forked, changing one's ways in, linking a computer,
 * an evening at a desk, guardians and what they do. The large icons are for the home screen of a phone.
 */
const later = [
  /^pdf/, /^Foxit|^Liberation/, /^(jbig2|openjpeg|qcms_bg)-/, /^decode-|^qr-/, /^away-/, /^icon.*png$/,
  /^(Inbox|Deposit|Evidence|Card|Pin|NewPin|Ways|ChosenPicture|Chosen|Shown|Check|WithPhone|Link|Anew|NewCode|half|Evening|Strip|Guardians|Naming|Guarding|Alarm|Back|Figures|Progress)-/, /^(ways|pictures|evening|guardians)\./,
];

function main(strict, listed) {
  const files = listFiles();
  const words = chooseWords(files);
  const waits = (name) => later.some((rule) => rule.test(name)) || words.others.has(name);
  const first = reach(files, ['index.html'], (name, lazy) =>
    (!lazy && !waits(name)) || name === words.largest || signIn.some((rule) => rule.test(name)));
  const all = reach(files, ['index.html'], (name) => !waits(name));
  const foreign = reach(files, ['index.html'], () => true);
  const faults = [];
  show('to sign in', files, first, limits.signIn, faults);
  show('to read and add, with the above', files, all, limits.readAndAdd, faults);
  if ([...foreign].some((name) => /^structure-.*\.wasm$/.test(name))) {
    faults.push("the owner's page reaches the structures' client");
  }
  if (![...first].some((name) => name.endsWith('.wasm'))) {
    faults.push("the owner's page does not reach its client: nothing was weighed");
  }
  for (const fault of faults) console.log(`budget: ${fault}`);
  if (listed) for (const name of first) console.log(`${files.get(name).brotli}`.padStart(9), name);
  if (strict && faults.length > 0) process.exitCode = 1;
}

/** Each file of the page by its name: its size, its brotli size, and the names it mentions. */
function listFiles() {
  const paths = readdirSync(dist, { recursive: true }).filter((path) => !/\.(br|gz)$/.test(path));
  const files = new Map();
  for (const path of paths) {
    const full = join(dist, path);
    if (!statSync(full).isFile()) continue;
    const size = statSync(full).size;
    const brotli = existsSync(`${full}.br`) ? statSync(`${full}.br`).size : size;
    files.set(basename(path), { full, size, brotli, now: new Set(), maybe: new Set() });
  }
  for (const file of files.values()) findMentions(file, files);
  return files;
}

/** What a file needs at once, and what it may load later. */
function findMentions(file, files) {
  if (!/\.(html|js|mjs|css)$/.test(file.full)) return;
  const text = readFileSync(file.full, 'utf8');
  const atOnce = new Set();
  for (const [, name] of text.matchAll(/(?:\bimport|\bfrom)\s*["']([^"']+)["']/g)) {
    atOnce.add(basename(name));
  }
  for (const name of files.keys()) {
    if (!text.includes(name) || files.get(name) === file) continue;
    const needed = atOnce.has(name) || !/\.m?js$/.test(file.full);
    (needed ? file.now : file.maybe).add(name);
  }
}

/** Every file reached from these, through the mentions that `follows` accepts. */
function reach(files, start, follows) {
  const reached = new Set(start);
  for (const name of reached) {
    const file = files.get(name);
    for (const next of file.now) if (follows(next, false)) reached.add(next);
    for (const next of file.maybe) if (follows(next, true)) reached.add(next);
  }
  return reached;
}

/** A visit loads one language: the largest stands for it. */
function chooseWords(files) {
  const languages = readdirSync(join(web, 'messages')).map((file) => basename(file, '.ftl'));
  const names = [...files.keys()]
    .filter((name) => languages.some((language) => name.startsWith(`${language}-`)))
    .sort((one, other) => files.get(other).brotli - files.get(one).brotli);
  return { largest: names[0], others: new Set(names.slice(1)) };
}

function show(title, files, names, limit, faults) {
  const parts = new Map();
  for (const name of names) {
    const { size, brotli } = files.get(name);
    const part = partOf(name);
    const sum = parts.get(part) ?? { size: 0, brotli: 0, count: 0 };
    parts.set(part, { size: sum.size + size, brotli: sum.brotli + brotli, count: sum.count + 1 });
  }
  const total = [...parts.values()].reduce((sum, part) => sum + part.brotli, 0);
  console.log(`\n${title.padEnd(34)}  files     bytes    brotli`);
  for (const [part, { size, brotli, count }] of parts) console.log(row(`  ${part}`, count, size, brotli));
  console.log(row(`  of ${limit} allowed`, names.size, '', total));
  if (total > limit) faults.push(`${title}: ${total} bytes of brotli, ${total - limit} too many`);
}

function row(label, count, size, brotli) {
  return [label.padEnd(34), `${count}`.padStart(6), `${size}`.padStart(9), `${brotli}`.padStart(9)].join(' ');
}

function partOf(name) {
  if (name.endsWith('.wasm')) return 'client (wasm)';
  if (/worker/.test(name)) return 'workers';
  if (/\.m?js$/.test(name)) return 'scripts';
  if (name.endsWith('.css')) return 'styles';
  if (name.endsWith('.html')) return 'page';
  return 'other';
}

main(process.argv.includes('--strict'), process.argv.includes('--list'));
