// Words in the person's language. One Fluent file per language, each a chunk of its own that is
// loaded when chosen. The choice lives in memory, and in `?lang=` on a device of one's own, never in
// storage: a shared computer must not remember who read Arabic on it.

import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';

export interface Language {
  code: string;
  /** Its own name, in its own script. */
  name: string;
  dir: 'ltr' | 'rtl';
  /** Dates are Gregorian and digits Latin everywhere, as on French papers and on the cards. */
  intl: string;
  load: () => Promise<{ default: string }>;
}

export const languages: readonly Language[] = [
  { code: 'fr', name: 'Français', dir: 'ltr', intl: 'fr-FR-u-ca-gregory-nu-latn', load: () => import('../../messages/fr.ftl?raw') },
  { code: 'en', name: 'English', dir: 'ltr', intl: 'en-GB-u-ca-gregory-nu-latn', load: () => import('../../messages/en.ftl?raw') },
  { code: 'ar', name: 'العربية', dir: 'rtl', intl: 'ar-u-ca-gregory-nu-latn', load: () => import('../../messages/ar.ftl?raw') },
];

/** What only this page, or only some screens say, by language. */
const more: Readonly<Record<string, Language['load']>>[] = [];

/** Has more words loaded with each language, from now on. */
export async function alsoSay(words: (typeof more)[number]): Promise<void> {
  more.push(words);
  if (bundle) await load(wanted);
}

function byCode(code: string): Language | undefined {
  return languages.find((language) => language.code === code);
}

function likely(): Language {
  for (const tag of navigator.languages) {
    const found = byCode(tag.slice(0, 2).toLowerCase());
    if (found) return found;
  }
  return languages[0] as Language;
}

let language = $state.raw<Language>(languages[0] as Language);
let bundle = $state.raw<FluentBundle | null>(null);
let chosen = $state(false);

/** The language that was asked for last: a file that comes late must not bring another one back. */
let wanted = language;
let loads = 0;

async function load(next: Language): Promise<void> {
  wanted = next;
  const mine = (loads += 1);
  const texts = await Promise.all([next.load(), ...more.map((words) => words[next.code]?.())]);
  if (mine !== loads) return;
  const loaded = new FluentBundle(next.intl);
  for (const text of texts) if (text) loaded.addResource(new FluentResource(text.default));
  language = next;
  bundle = loaded;
  document.documentElement.lang = next.code;
  document.documentElement.dir = next.dir;
  // The same on every screen: titles stay in the browser's history, which is not ours to erase.
  document.title = t('page-title');
}

/** Loads the language of `?lang=`, else the browser's first one that we have. */
export async function startWords(): Promise<void> {
  const asked = byCode(new URLSearchParams(location.search).get('lang') ?? '');
  chosen = asked !== undefined;
  await load(asked ?? likely());
}

/** Has the address say which language, so that this page speaks it when it is loaded again. */
export function keepInAddress(): void {
  const url = new URL(location.href);
  url.searchParams.set('lang', language.code);
  history.replaceState(history.state, '', url);
}

export const words = {
  get language(): Language {
    return language;
  },
  /** Whether the person said which language they read. */
  get chosen(): boolean {
    return chosen;
  },
  async speak(code: string): Promise<void> {
    await load(byCode(code) ?? language);
    chosen = true;
  },
};

export function hasWords(key: string): boolean {
  return bundle?.hasMessage(key) ?? false;
}

/** The words of `key`; placeables come out isolated, so that names of any script keep their order. */
export function t(key: string, values: Record<string, FluentVariable> = {}): string {
  const message = bundle?.getMessage(key);
  if (!bundle || !message?.value) return key;
  return bundle.formatPattern(message.value, values);
}
