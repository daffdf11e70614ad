// The stage of a browser journey: the real server on a folder of its own, Debian's Chromium, and as
// many people as the journey needs, each with a browser of their own.
//
// Whatever goes wrong on a person's page is a fault, and a fault fails the journey: a console error, an
// uncaught error, a broken content security policy, a request to any other origin.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { actsOf } from './acts.mjs';
import { ahead } from './clock.mjs';
import { startServer } from './server.mjs';
import { startWire } from './wire.mjs';

/** The two screens that every journey is tried on. */
export const phone = { width: 360, height: 740 };
export const desktop = { width: 1280, height: 800 };

export const results = fileURLToPath(new URL('../test-results/', import.meta.url));

/** Pictures prove nothing by themselves: they are taken for somebody who looks at them (`run.mjs`). */
const pictured = process.env.RECONNECT_PICTURES === 'yes';

/** The browser of all journeys of a file, but for those with a camera: each person is a stranger to the others. */
let shared = null;
after(async () => (await shared)?.close());

/**
 * Sets the stage for one test and clears it afterwards, also when the test fails.
 *
 * @param {import('node:test').TestContext} context
 * @param {{ name?: string, env?: Record<string, string>, record?: boolean, camera?: boolean }} options
 *   `env` are settings of the server; `record` keeps a copy of everything that goes over the wire;
 *   `camera` lets every camera see the file `stage.camera`, which the journey writes first
 */
async function setStage(context, { name = slug(context.name), env = {}, record = false, camera = false } = {}) {
  await mkdir(results, { recursive: true });
  const log = `${results}${name}.server.log`;
  const server = await startServer({ env, log });
  const wire = record ? await startWire(server.port) : null;
  const url = wire?.url ?? server.url;
  const film = camera ? `${results}${name}.mjpeg` : null;
  const browser = await (film ? launch(film) : (shared ??= launch(null))).catch(async (error) => {
    await server.end();
    throw error;
  });
  const people = [];
  // Once time has passed: by how much, and the browser that knows of it.
  let [passed, later] = [0, null];
  context.after(async () => {
    await Promise.all(people.map((person) => person.close()));
    if (film) await browser.close();
    await later?.close();
    await wire?.end();
    await server.end();
  });
  return {
    name,
    server,
    browser,
    wire,
    camera: film,
    url,
    log,
    /** A new person: a browser that nobody used before. See `newPerson`. */
    async newPerson(who, options) {
      const person = await newPerson({ browser: later ?? browser, url, stage: name, who, passed, options });
      people.push(person);
      return person;
    },
    /** Time passes for the server, and for whoever comes from now on: the others have gone. */
    async pass(seconds) {
      await Promise.all(people.map((person) => person.close()));
      await later?.close();
      passed += seconds;
      await server.pass(passed);
      later = await launch(film, passed);
    },
    /** Fails when anything went wrong on anybody's page. */
    noFaults() {
      for (const person of people) person.noFaults();
    },
    /** What everybody saw when it went wrong: it says more than where. */
    async lastLook() {
      for (const person of people) {
        await person.onBothSizes('last-look', () => undefined, true).catch(() => undefined);
        for (const fault of person.faults) console.error(`${person.who}: ${fault}`);
        const words = await person.page.locator('body').innerText({ timeout: 1000 }).catch(() => 'nothing');
        console.error(`${person.who} reads at ${person.page.url()}: ${words.replaceAll(/\s+/g, ' ').slice(0, 600)}`);
      }
      for (const { method, path, status } of wire?.entries().slice(-12) ?? []) console.error(status, method, path);
    },
  };
}

/**
 * A journey: people on a stage, at whose end nothing may have gone wrong on anybody's page.
 *
 * @param {Parameters<typeof setStage>[1]} options
 * @param {(stage: Awaited<ReturnType<typeof setStage>>) => Promise<void>} tell
 */
export function journey(name, options, tell) {
  test(name, async (context) => {
    const stage = await setStage(context, options);
    try {
      await tell(stage);
      stage.noFaults();
    } catch (error) {
      await stage.lastLook();
      throw error;
    }
  });
}

/** Chromium as Debian ships it. */
const whole = process.env.RECONNECT_CHROMIUM ?? '/usr/bin/chromium';
/** The same engine without windows, menus and a profile around it, where it is installed: each person begins in
 *  a tenth of the time. Whose browser keeps a profile on the disk has the whole one. */
const shell = '/usr/lib/chromium/chromium-headless-shell';
const bare = !process.env.RECONNECT_CHROMIUM && existsSync(shell) ? shell : whole;

async function launch(film, passed = 0) {
  return chromium.launch(chromiumWith(bare, film, passed));
}

/** A browser that finds no name but this machine's. */
function chromiumWith(executablePath, film, passed) {
  return {
    env: { ...process.env, ...ahead(passed) },
    executablePath,
    args: [
      '--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      ...(film ? [`--use-file-for-fake-video-capture=${film}`] : []),
    ],
  };
}

/**
 * @param {object} options of Playwright's `newContext`, among them `viewport` (a phone when none is
 *   said), `language`, the one that is read, and `profile`, a folder where a browser of its own keeps
 *   what browsers keep
 */
async function newPerson({ browser, url, stage, who, passed, options = {} }) {
  const { language = 'fr', profile, ...context } = options;
  const faults = [];
  const provoked = [];
  const fault = (what) => {
    if (!provoked.some((pattern) => pattern.test(what))) faults.push(what);
  };
  const settings = {
    baseURL: url,
    locale: { fr: 'fr-FR', en: 'en-GB', ar: 'ar' }[language],
    timezoneId: 'Europe/Paris',
    viewport: phone,
    // Bars that flow are drawn anew sixty times a second, for nobody.
    reducedMotion: 'reduce',
    acceptDownloads: true,
    ...context,
  };
  const owned = await (profile
    ? chromium.launchPersistentContext(profile, { ...chromiumWith(whole, null, passed), ...settings })
    : browser.newContext(settings));
  await watch(owned, new URL(url).origin, fault);
  const page = owned.pages()[0] ?? (await owned.newPage());
  page.setDefaultTimeout(20_000);
  let shots = 0;
  const person = {
    who,
    page,
    language,
    context: owned,
    faults,
    /** From now on the journey provokes these faults on purpose. */
    provoke: (pattern) => void provoked.push(pattern),
    noFaults: () => assert.deepEqual(faults, [], `faults on the page of ${who}`),
    /** Looks at the screen on the other size, then on the person's own; pictures show the whole page. */
    async onBothSizes(what, see, taken = pictured) {
      shots += 1;
      const number = String(shots).padStart(2, '0');
      const own = page.viewportSize();
      for (const size of [own.width === phone.width ? desktop : phone, own]) {
        await page.setViewportSize(size);
        await see(size);
        if (!taken) continue;
        await page.evaluate(() => scrollTo(0, 0));
        const path = `${results}${stage}.${slug(who)}.${number}-${slug(what)}.${size.width}.png`;
        await page.screenshot({ path, fullPage: true });
      }
    },
    /** Fails when axe finds a barrier of WCAG 2.2 A or AA on the screen. */
    axe: (from = page) => axe(from, who),
    /** An authenticator that says yes by itself, a phone's fingerprint reader; one without PRF when asked for. */
    passkeys: ({ from = page, prf = true } = {}) => passkeys(owned, from, prf),
    close: () => owned.close(),
  };
  return Object.assign(person, actsOf(person));
}

/** Hears of every fault on every page and worker of a person. */
async function watch(context, origin, fault) {
  await context.exposeBinding('reportViolation', (_, what) => fault(`policy: ${what}`));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  context.on('console', (message) => {
    if (message.type() === 'error') fault(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => fault(`uncaught: ${error.error().stack}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const local = ['data:', 'blob:', 'about:'].includes(url.protocol);
    if (!local && url.origin !== origin) fault(`other origin: ${url.href}`);
  });
}

/** The source goes in through the debugger, which the page's policy does not concern; once for each load. */
async function axe(page, who) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    resultTypes: ['violations'],
  }));
  const found = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n  ${nodes.map((node) => node.html).join('\n  ')}`);
  assert.deepEqual(found, [], `barriers on the page of ${who}, ${new URL(page.url()).pathname}`);
}

async function passkeys(context, page, hasPrf) {
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { session, authenticatorId };
}

/** A name as part of a file's name. */
function slug(text) {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-|-$/g, '');
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
