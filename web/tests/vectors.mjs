// Runs every vector of PROTOCOL.md through the judge as it is compiled for the page. Where a vector
// seals, it seals here again and compares the bytes with those that native code wrote.

import { readFile, readdir } from 'node:fs/promises';
import { initSync, judge_vector } from '../src/wasm/vectors/client.js';

const module = new URL('../src/wasm/vectors/client_bg.wasm', import.meta.url);
initSync({ module: await readFile(module) });

const folder = new URL('../../tests/vectors/v1/', import.meta.url);
let count = 0;
const wrong = [];
for (const object of await readdir(folder)) {
  for (const name of await readdir(new URL(`${object}/`, folder))) {
    const verdict = judge_vector(await readFile(new URL(`${object}/${name}`, folder)));
    const [expected, found, ...more] = verdict.split(' ');
    if (expected !== found || more.length > 0) wrong.push(`${object}/${name}: ${verdict}`);
    count += 1;
  }
}
for (const line of wrong) console.error(line);
if (wrong.length > 0 || count < 300) {
  console.error(`${wrong.length} of ${count} vectors are not what they should be`);
  process.exit(1);
}
console.log(`${count} vectors hold in wasm`);
