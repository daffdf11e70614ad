// The real server for a journey: its own data folder and port, and an end that may come as `kill -9`.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ahead } from './clock.mjs';

const program = process.env.RECONNECT_BIN
  ?? fileURLToPath(new URL('../../target/debug/reconnect', import.meta.url));

/**
 * Starts a server and waits until it is ready.
 *
 * @param {{ env?: Record<string, string>, log: string }} options settings, and the file that gets
 *   what the server prints
 */
export async function startServer({ env = {}, log }) {
  const data = mkdtempSync(join(tmpdir(), 'reconnect-'));
  const backups = `${data}-backups`;
  const port = await freePort();
  // A passkey needs a name, which an address is not.
  const url = `http://localhost:${port}`;
  const lines = createWriteStream(log, { flags: 'a' });
  const settings = {
    ...process.env,
    RECONNECT_DATA: data,
    RECONNECT_LISTEN: `127.0.0.1:${port}`,
    // Nobody waits longer for the public log than they must.
    RECONNECT_LOG_SECONDS: '1',
    ...env,
  };
  let child = await start(settings, lines, url);

  const stop = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  const server = {
    url,
    data,
    port,
    /** A command of the program's, as a process beside the running server; gives what it prints. */
    async command(...words) {
      const options = { env: settings, timeout: 30_000 };
      const { stdout } = await promisify(execFile)(program, words, options);
      return stdout;
    },
    operator: (...words) => server.command('operator', ...words),
    /** Takes a backup beside the running server. */
    backUp: () => server.command('backup', backups),
    /** Loses the disk, and restores the newest backup with a copy of the log; gives what was said of it. */
    async loseDisk() {
      await stop('SIGKILL');
      const log = join(backups, 'log');
      await cp(join(data, 'log'), log, { recursive: true });
      await rm(data, { recursive: true });
      const said = await server.command('restore', backups, '--newest-log', log);
      child = await start(settings, lines, url);
      return said;
    },
    /** Pulls the plug: nothing that was only in memory survives. */
    kill: () => stop('SIGKILL'),
    /** Starts again on the same folder and port, after `kill` or in its place. */
    async restart() {
      await stop('SIGKILL');
      child = await start(settings, lines, url);
    },
    /** Starts again on the same folder and port, by a clock that is so far ahead. */
    async pass(seconds) {
      Object.assign(settings, ahead(seconds));
      await server.restart();
    },
    /** Stops for good and removes the folder. */
    async end() {
      await stop('SIGTERM');
      lines.end();
      await Promise.all([data, backups].map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
  return server;
}

async function start(env, lines, url) {
  // The server ends with the journey, however that ends.
  const child = spawn('setpriv', ['--pdeathsig=KILL', program, 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      printed = (printed + bytes).slice(-4000);
      lines.write(bytes);
    });
  }
  let failure = null;
  child.on('error', (error) => {
    failure = error;
  });
  for (let tries = 0; tries < 600; tries += 1) {
    if (failure) throw failure;
    if (child.exitCode !== null) throw new Error(`the server ended by itself:\n${printed}`);
    if (await isReady(url)) return child;
    await pause(50);
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready in time:\n${printed}`);
}

async function isReady(url) {
  try {
    const answer = await fetch(`${url}/readyz`);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
