// Clocks that are ahead, so that a journey can last for years: server and browser are started with a library
// that moves the time of day and nothing else. It is built by the compiler with which Rust links.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('ahead.c', import.meta.url));
const library = fileURLToPath(new URL('../test-results/ahead.so', import.meta.url));
let built = false;

/** What a program must find in its environment for its clock to be so far ahead. */
export function ahead(seconds) {
  if (seconds === 0) return {};
  if (!built) execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source]);
  built = true;
  return { LD_PRELOAD: library, AHEAD_SECONDS: String(seconds) };
}
