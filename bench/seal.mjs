// Seals and opens in a real browser beside peers, and prints the figures as ratios of one run.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { startServer } from '../web/tests/server.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const built = fileURLToPath(new URL('../target/bench/page', import.meta.url));

/** The page's own bundler, with what the bench adds. */
async function build() {
  const { resolve } = createRequire(new URL('../web/package.json', import.meta.url));
  const vite = await import(pathToFileURL(resolve('vite')));
  await vite.build({
    root: join(here, 'page'),
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: built, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0,
      modulePreload: { polyfill: false }, chunkSizeWarningLimit: 4000,
    },
    worker: { format: 'es' },
  });
}

/** Serves the built page under the server's own policy; the server itself is one address more. */
async function serve(api, told) {
  const { headers } = await fetch(api);
  const kept = ['content-security-policy', 'cross-origin-opener-policy', 'cross-origin-embedder-policy']
    .map((name) => [name, headers.get(name).replace("connect-src 'self'", `connect-src 'self' ${api}`)]);
  const server = createServer(async (request, response) => {
    for (const [name, value] of kept) response.setHeader(name, value);
    const { pathname } = new URL(request.url, api);
    if (request.method === 'POST') {
      let body = '';
      for await (const bytes of request) body += bytes;
      response.end(JSON.stringify(told(pathname, body) ?? {}));
      return;
    }
    const file = join(built, pathname === '/' ? 'index.html' : pathname);
    if (!file.startsWith(built) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://localhost:${server.address().port}`, end: () => server.close() };
}

const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Without a debugger: it would copy every body that is uploaded. */
function openBrowser(url, profile) {
  return spawn('setpriv', ['--pdeathsig=KILL', '/usr/bin/chromium', ...flags, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
  });
}

async function endBrowser(browser) {
  if (!browser || browser.exitCode !== null || browser.signalCode !== null) return;
  browser.kill('SIGTERM');
  await once(browser, 'exit');
}

const flags = [
  '--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
  // The page and the server have two origins here, which they have not in reality.
  '--disable-web-security',
];

/** The processes of this browser that run pages. */
function renderers(profile) {
  return readdirSync('/proc').filter((id) => /^\d+$/.test(id)).filter((id) => {
    try {
      const words = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      return words.includes('--type=renderer') && words.includes(profile);
    } catch {
      return false;
    }
  });
}

/** Begins counting the peak of resident memory anew, or gives the largest since then. */
function memory(profile, what) {
  const ids = renderers(profile);
  if (what === 'reset') {
    for (const id of ids) writeFileSync(`/proc/${id}/clear_refs`, '5');
    return {};
  }
  const peaks = ids.map((id) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))[1]) * 1024);
  return { peak: Math.max(...peaks) };
}

const speed = (bytes, milliseconds) => `${(bytes / 1e3 / milliseconds).toFixed(0)} MB/s`;
const mebibytes = (bytes) => `${Math.round(bytes / 1024 / 1024)} MiB`;

function print(title, heads, rows) {
  console.log(`\n### ${title}\n\n| ${heads.join(' | ')} |\n|${heads.map((_, place) => (place ? '--:' : '---')).join('|')}|`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

/** One table for each message; the names are the contestants'. */
const show = {
  memory({ bytes, seal, open }) {
    const names = Object.keys(seal);
    const peer = (times) => Math.min(...names.filter((name) => !['limit', 'ours'].includes(name)).map((name) => times[name]));
    const rows = names.map((name) => [
      name === 'limit' ? 'WebCrypto AES-GCM and SHA-256 alone' : name === 'ours' ? '**RECONNECT**' : name,
      speed(bytes, seal[name]), (seal.limit / seal[name]).toFixed(2),
      speed(bytes, open[name]), (open.limit / open[name]).toFixed(2),
    ]);
    print(`Seal and open ${mebibytes(bytes)} in Chromium, bytes in memory`, ['', 'seal', 'of the limit', 'open', 'of the limit'], rows);
    const [sealing, opening] = [seal, open].map((times) => (peer(times) / times.ours).toFixed(1));
    console.log(`\nBeside the best peer: seal ${sealing} times, open ${opening} times.`);
  },
  network({ bytes, upload, download }) {
    print(`Upload and download ${mebibytes(bytes)} in Chromium, over loopback`, ['', 'plain', 'RECONNECT', 'of plain'], [
      ['upload', upload], ['download', download],
    ].map(([name, times]) => [name, speed(bytes, times.plain), speed(bytes, times.ours), (times.plain / times.ours).toFixed(2)]));
  },
  stream({ bytes, milliseconds, peak, wasm }) {
    print(`Seal a stream of ${mebibytes(bytes)} in Chromium`, ['speed', "peak of the page's process", 'of it wasm'],
      [[speed(bytes, milliseconds), mebibytes(peak), mebibytes(wasm)]]);
  },
};

async function main() {
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'reconnect-bench-'));
  const server = await startServer({
    env: { RECONNECT_ACCOUNT_LIMIT_BYTES: `${1 << 30}0`, RECONNECT_LOG: 'off' }, log: join(folder, 'log'),
  });
  let browser = null;
  let page = null;
  try {
    await new Promise((settle, fail) => {
      serve(server.url, (path, body) => {
        if (path === '/memory') return memory(folder, body);
        const { what, figures, failed } = JSON.parse(body);
        if (failed) fail(new Error(failed));
        else if (what === 'end') settle();
        else show[what](figures);
        return {};
      }).then((serving) => {
        page = serving;
        browser = openBrowser(`${page.url}/?api=${encodeURIComponent(server.url)}`, folder);
        browser.on('exit', () => fail(new Error('the browser ended by itself')));
      }).catch(fail);
    });
  } finally {
    browser?.removeAllListeners('exit');
    await endBrowser(browser);
    page?.end();
    await server.end();
    // Its helpers still write for a moment after the browser has ended.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

console.log(execFileSync('/usr/bin/chromium', ['--version', '--no-sandbox'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim());
await main();
process.exit();
