// Runs the journeys: `node tests/run.mjs [NAME...]`. Each journey starts a server and people of its own
// (`stage.mjs`); logs stay in `test-results/`, and pictures: of every screen where journeys are named, else
// of where one went wrong.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const journeys = fileURLToPath(new URL('journeys/', import.meta.url));
const results = fileURLToPath(new URL('../test-results/', import.meta.url));
const minutes = 60_000;

/** Those that take longest begin first: none of them is left to run alone at the end. */
const longest = [
  'guardians-open', 'guardians', 'arabic', 'french', 'guardians-thief', 'sleeping', 'keys', 'guardians-hostile', 'changing',
  'guardians-worker', 'evening', 'ways', 'limits', 'lost', 'hostile',
];
const place = (file) => (longest.includes(basename(file, '.mjs')) ? longest.indexOf(basename(file, '.mjs')) : longest.length);
const byLength = (one, other) => place(one) - place(other) || (one < other ? -1 : 1);

const names = process.argv.slice(2);
const all = readdirSync(journeys).filter((file) => file.endsWith('.mjs')).sort(byLength);
const files = all.filter((file) => names.length === 0 || names.includes(basename(file, '.mjs')));
if (files.length === 0) {
  console.error(`no journey to run; there are: ${all.join(', ') || 'none'}`);
  process.exit(1);
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

if (names.length > 0) process.env.RECONNECT_PICTURES ??= 'yes';

// One more than the machines that this runs on have cores: with two at a time a fifth of their time was idle.
run({ files: files.map((file) => join(journeys, file)), concurrency: 3, timeout: 10 * minutes })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
