// What people do on the page, found by role and by the words of their language.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { wordsOf } from './words.mjs';

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/\s+/g, '\\s+');

/** Acts of a person; `person.page` is where they act. */
export function actsOf(person) {
  const { page } = person;
  const t = wordsOf(person.language);
  const starts = (key, values) => new RegExp(`^\\s*${escaped(t(key, values))}`, 'u');

  const others = Object.keys(ownName).filter((language) => language !== person.language);

  const acts = {
    t,
    /** A button that says exactly this. */
    button: (key, values) => page.getByRole('button', { name: t(key, values), exact: true }),
    press: (key, values) => click(acts.button(key, values)),
    /** A big answer: its name goes on after these words. */
    choose: (key, values) => click(page.getByRole('main').getByRole('button', { name: starts(key, values) }).first()),
    chooseNamed: (name) => click(page.getByRole('button', { name: new RegExp(`^\\s*${escaped(name)}`, 'u') }).first()),
    link: (key, values) => page.getByRole('link', { name: starts(key, values) }).first(),
    follow: (key, values) => click(acts.link(key, values)),
    /** One of the places at the foot or in the bar. */
    tab: (name) => click(page.getByRole('navigation').getByRole('link', { name: t(`tab-${name}`), exact: true })),
    field: (key, values) => page.getByLabel(t(key, values), { exact: true }),
    write: async (key, text, values) => (await seen(acts.field(key, values))).fill(text),
    /** Waits until the screen with this heading is there. */
    on: (key, values) => acts.onNamed(t(key, values)),
    onNamed: (name) => seen(page.getByRole('heading', { level: 1, name, exact: true })),
    /** Waits until this is said somewhere on the screen. */
    told: (key, values) => acts.read(t(key, values)),
    read: (text) => seen(page.getByText(text, { exact: false }).first()),
    /** A look at the screen: no barrier for anybody, room on both sizes in every language, and a picture of it. */
    async look(what) {
      // Where one says which language there is none yet.
      const languages = what === 'language' ? [] : [...others, person.language];
      const check = async (size, language = null) => {
        const { lang, dir, inside } = await page.evaluate(shown);
        if (language) assert.deepEqual([lang, dir], [language, language === 'ar' ? 'rtl' : 'ltr']);
        assert.ok(inside, `${what} is not wider than a screen of ${size.width}, in ${lang}`);
      };
      await person.axe();
      await person.onBothSizes(what, async (size) => {
        // As it is, before anything asks for a language.
        await check(size, languages.at(-1));
        for (const language of languages) {
          await page.evaluate(speak, language);
          await check(size, language);
        }
      });
    },

    /** Comes to a page for the first time and says which language; `looks` at the question when asked. */
    async arrive(address = '/', looks = false) {
      await page.goto(address);
      await acts.on('language-title');
      if (looks) await acts.look('language');
      await page.getByRole('button', { name: ownName[person.language], exact: true }).click();
    },

    /** Opens a safe; gives what the person then has on paper. `looks` at each screen when asked, and lets
     *  `onSheet` see the sheet while it is shown. */
    async openSafe({ keep, looks = false, desk = '', onSheet = async () => undefined }) {
      const look = looks ? acts.look : async () => undefined;
      await acts.choose(`welcome-${desk}open`);
      await acts.keepOrNot(keep, look);
      return acts.drawWays(look, onSheet);
    },

    /** Six words and a sheet, from the question with what one wants to come back. */
    async drawWays(look = async () => undefined, onSheet = async () => undefined) {
      await acts.on('open-how-title');
      await look('open-how');
      await acts.choose('open-how-words');
      await acts.on('open-handle-title');
      await look('open-handle');
      const handle = (await page.locator('main .handle').innerText()).trim();
      await acts.press('open-handle-next');

      await acts.on('open-words-title');
      await look('open-words');
      const words = (await page.locator('main .word').allInnerTexts()).map((word) => word.trim());
      assert.equal(words.length, 6);
      await acts.press('open-words-next');

      await acts.on('open-check-title');
      const asked = [];
      for (let number = 1; number <= 6; number += 1) {
        if (await acts.field('open-check-word', { number }).count() > 0) asked.push(number);
      }
      assert.equal(asked.length, 2);
      for (const number of asked) await acts.write('open-check-word', 'zzz', { number });
      await acts.press('next');
      await acts.told('open-check-wrong', { number: asked[0] });
      await look('open-check');
      for (const number of asked) await acts.write('open-check-word', words[number - 1].toUpperCase(), { number });
      await acts.press('next');

      await acts.on('sheet-own-title');
      const letters = await acts.sheet();
      await onSheet();
      await look('open-sheet');
      await acts.press('sheet-next');
      await acts.checkSheet(letters, look);
      return { handle, words, letters };
    },

    /** The letters of a sheet; on paper there is nothing but the sheet. */
    async sheet() {
      const letters = (await page.locator('main .sheet .group').allInnerTexts()).join(' ');
      await page.getByRole('img', { name: t('sheet-paper-qr') }).waitFor();
      await page.emulateMedia({ media: 'print' });
      assert.equal(await page.getByRole('button').count(), 0, 'no button is printed');
      assert.ok(await page.locator('main .sheet .group').first().isVisible(), 'the letters are printed');
      await page.emulateMedia({ media: null });
      // Nobody stands beside this machine to close the browser's own dialog.
      await page.evaluate(() => {
        globalThis.print = () => { globalThis.printed = true; };
      });
      await acts.press('print');
      await page.waitForFunction(() => globalThis.printed);
      return letters;
    },

    async checkSheet(letters, look = async () => undefined) {
      await acts.on('sheet-check-title');
      await acts.write('sheet-check-letters', 'ZZZZ');
      await acts.press('next');
      await acts.told('sheet-check-wrong');
      await look('open-sheet-check');
      await acts.write('sheet-check-letters', letters.replaceAll(' ', '').slice(-4).toLowerCase());
      await acts.press('next');
    },

    async typePin(digits) {
      for (const digit of digits) await page.getByRole('button', { name: digit, exact: true }).click();
    },

    async choosePin(digits) {
      for (const asked of ['pin-choose-title', 'pin-again-title']) {
        await acts.on(asked);
        await acts.typePin(digits);
      }
    },

    /** From anywhere inside: what opens the safe. */
    async toWays() {
      await acts.tab('settings');
      await acts.choose('settings-ways');
      await acts.on('ways-title');
    },

    /** A card, from the question with its picture; its last letters are typed back. Gives its letters. */
    async drawCard(picture, pin) {
      await acts.on('card-picture-title');
      await page.getByRole('radio', { name: t(`picture-${picture}`) }).check({ force: true });
      await acts.press('next');
      await acts.choosePin(pin);
      await acts.on('card-paper-title');
      const letters = (await page.locator('main .wallet .group').allInnerTexts()).join('');
      await acts.press('card-paper-next');
      await acts.on('card-check-title');
      await acts.press('card-check-type');
      await acts.write('card-check-letters', letters.slice(-4).toLowerCase());
      await acts.press('next');
      return letters;
    },

    /** Comes in with the six words, from the screen that asks what one has. */
    async comeWithWords({ handle, words }, keep = null) {
      await acts.keepOrNot(keep);
      await acts.choose('come-words');
      await acts.on('come-words');
      await acts.write('come-handle', handle);
      for (const [at, word] of words.entries()) {
        await page.getByLabel(`${t('come-word')} ${at + 1}`, { exact: true }).fill(word);
      }
      await acts.press('come-in');
    },

    async comeWithSheet({ letters }, keep = null) {
      await acts.keepOrNot(keep);
      await acts.choose('come-sheet');
      await acts.on('come-sheet');
      await acts.write('come-letters', letters.toLowerCase());
      await acts.press('come-in');
    },

    async comeWithCard({ letters, pin }, keep = null) {
      await acts.keepOrNot(keep);
      await acts.choose('come-card');
      await acts.on('come-card');
      await acts.write('come-letters', letters.toLowerCase());
      await acts.press('next');
      await acts.on('come-pin');
      await acts.typePin(pin);
    },

    /** Says whose device it is; `null` where nobody asks, because that is known. */
    async keepOrNot(keep, look = async () => undefined) {
      if (keep === null) return;
      await acts.on('keep-title');
      await look('keep');
      await acts.choose(keep ? 'keep-yes' : 'keep-no');
    },

    /** From the safe: puts a file in and waits until it is there. */
    async put(title, file, { input = 'files', look = async () => undefined } = {}) {
      await acts.tab('safe');
      await acts.on('safe-title');
      await acts.follow('safe-add');
      await acts.on('add-title');
      await look('add');
      await page.getByTestId(input).setInputFiles(file);
      await acts.confirmTitle(title, look);
    },

    async confirmTitle(title, look = async () => undefined) {
      await acts.on('title-question');
      await look('add-title');
      await acts.write('title-label', title);
      await acts.press('title-put');
      await acts.on('add-sent-title');
      await acts.told('task-done', { title });
      await look('add-sent');
      await acts.press('add-to-safe');
      await acts.on('safe-title');
      await acts.paper(title).waitFor();
    },

    /** From the first screen of the structures' page: founds one that the operator accepts. Gives the root. */
    async found({ name, place }, myName, server) {
      await acts.choose('begin-found');
      await acts.write('found-name', name);
      await acts.write('found-place', place);
      await acts.write('my-name', myName);
      await acts.press('next');
      await acts.on('sheet-root-title');
      const root = await acts.sheet();
      await acts.press('sheet-next');
      await acts.checkSheet(root);
      await acts.on('waiting-operator-title');
      const command = await page.getByRole('group', { name: t('waiting-command') }).innerText();
      await server.operator(...command.trim().split(' ').slice(2));
      await acts.on('received-title');
      return root;
    },

    /** Gives the link. */
    async invite(name) {
      await acts.tab('team');
      await acts.on('team-title');
      await acts.choose('team-invite');
      await acts.on('invite-title');
      await acts.write('invite-name', name);
      await acts.press('invite-do');
      await acts.on('invite-made-title');
      return (await page.getByRole('group', { name: t('invite-link') }).innerText()).trim();
    },

    /** Answers an invitation with a new safe, and comes in as soon as the manager's page admits it. */
    async joinTeam(link, name) {
      await acts.arrive(link);
      const keys = await acts.openSafe({ keep: true, desk: 'desk-' });
      await acts.on('join-title');
      await acts.write('my-name', name);
      await acts.press('join-do');
      await acts.on('received-title');
      return keys;
    },

    /** From the list of the team: opens one of its people. */
    async openMember(name) {
      await acts.tab('team');
      await acts.on('team-title');
      await page.getByRole('main').getByRole('link').filter({ hasText: name }).click();
      await acts.onNamed(name);
    },

    /** The letters of the structure's code, as its poster shows them. */
    async code() {
      await acts.tab('poster');
      await acts.on('poster-title');
      return (await page.locator('main .poster .group').allInnerTexts()).join(' ');
    },

    /** Gives one paper to a structure, for a month or until a year; its code is compared first unless there is none to compare. */
    async give({ name, code }, title, signedAs, year = null) {
      await acts.tab('safe');
      await acts.follow('safe-give');
      await acts.on('give-who-title');
      await acts.chooseNamed(name);
      if (code) {
        await acts.on('compare-title', { name });
        await acts.field('compare-code').pressSequentially(code);
        await acts.press('compare-do');
        await acts.on('compared-title');
        await acts.press('compared-next');
      }
      await acts.on('which-title');
      await page.getByRole('checkbox', { name: title }).check();
      await acts.press('which-next', { count: 1 });
      await acts.on('until-title');
      await acts.choose(year === null ? 'until-month' : 'until-own');
      if (year !== null) {
        for (const [part, number] of [['day', 15], ['month', 3], ['year', year]]) {
          await acts.write(`date-${part}`, String(number));
        }
        await acts.press('next');
      }
      await acts.on('why-title');
      await acts.write('why-signed', signedAs);
      await acts.press('next');
      await acts.on('confirm-title');
      await acts.press('confirm-yes');
      await acts.on('done-title');
      await acts.follow('to-safe');
      await acts.on('safe-title');
    },

    leavePage: () => page.goto('about:blank'),

    /** A paper among the others of the safe. */
    paper: (title) => page.getByRole('link').filter({ has: page.getByText(title, { exact: true }) }),
    async openPaper(title) {
      await acts.tab('safe');
      await acts.on('safe-title');
      await acts.paper(title).click();
      await acts.onNamed(title);
    },

    /** Drops a file onto the safe, as from a folder beside the browser. */
    async drop({ name, mimeType, buffer }) {
      await acts.tab('safe');
      await acts.on('safe-title');
      const dataTransfer = await page.evaluateHandle(({ name, type, bytes }) => {
        const carried = new DataTransfer();
        carried.items.add(new File([Uint8Array.from(bytes)], name, { type }));
        return carried;
      }, { name, type: mimeType, bytes: [...buffer] });
      await page.getByRole('main').dispatchEvent('drop', { dataTransfer });
    },
    async idOf(title) {
      await acts.tab('safe');
      return decodeURIComponent((await acts.paper(title).getAttribute('href')).split('/').at(-1));
    },
    /** Waits until nothing is on its way any more. */
    tasksDone: () => page.getByRole('main').getByRole('progressbar').first().waitFor({ state: 'detached' }),
    /** From the screen of a paper: the bytes that the device gets. */
    async download() {
      const [download] = await Promise.all([page.waitForEvent('download'), acts.press('paper-save')]);
      return readFile(await download.path());
    },
    /** Waits until a picture is drawn, and gives what one sees of it. */
    async drawn(named) {
      const canvas = page.locator('canvas[data-drawn]').and(page.getByRole('img', { name: named, exact: true }));
      await canvas.waitFor();
      return canvas.evaluate(drawnOn);
    },
  };
  return acts;
}

const ownName = { fr: 'Français', en: 'English', ar: 'العربية' };

/** Milliseconds between two looks for what is not there yet: Playwright's own grow to half a second. */
const soon = 40;

/** Waits until it is seen. */
async function seen(locator) {
  for (const since = Date.now(); Date.now() - since < 20_000; await pause(soon)) {
    if (await locator.isVisible()) return locator;
  }
  await locator.waitFor({ timeout: 1 });
  return locator;
}

const click = async (locator) => (await seen(locator)).click();

/** Has the page say all in another language, as the screen where one chooses does. */
async function speak(code) {
  const module = document.querySelector('link[rel="modulepreload"][href*="/words.svelte-"]');
  const shared = module ? Object.values(await import(module.href)) : [globalThis.words];
  await shared.find((it) => typeof it?.speak === 'function').speak(code);
}

function shown() {
  const { lang, dir, scrollWidth } = document.documentElement;
  return { lang, dir, inside: scrollWidth <= innerWidth };
}

/** What is on a canvas: its size, the colour in its middle, and how many colours there are. */
function drawnOn(canvas) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4 * 997) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  const middle = 4 * (Math.floor(height / 2) * width + Math.floor(width / 2));
  return { width, height, colours: colours.size, middle: [...data.subarray(middle, middle + 3)] };
}
