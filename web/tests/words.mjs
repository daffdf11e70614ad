// The words of the page, as a person of that language reads them: journeys find what they press and
// what they are told by the messages files, so that each journey speaks any language.

import { readFileSync } from 'node:fs';
import { FluentBundle, FluentResource } from '@fluent/bundle';

const intl = { fr: 'fr-FR-u-ca-gregory-nu-latn', en: 'en-GB-u-ca-gregory-nu-latn', ar: 'ar-u-ca-gregory-nu-latn' };

/** What `lib/words.svelte.ts` would show; a key that has no words fails the journey. */
export function wordsOf(language) {
  const bundle = new FluentBundle(intl[language]);
  for (const name of [language, `desk.${language}`, `ways.${language}`, `evening.${language}`, `guardians.${language}`, `pictures.${language}`, `continued.${language}`]) {
    const file = new URL(`../messages/${name}.ftl`, import.meta.url);
    bundle.addResource(new FluentResource(readFileSync(file, 'utf8')));
  }
  return (key, values = {}) => {
    const message = bundle.getMessage(key);
    if (!message?.value) throw new Error(`no words for ${key} in ${language}`);
    const errors = [];
    const text = bundle.formatPattern(message.value, values, errors);
    if (errors.length > 0) throw errors[0];
    return text;
  };
}

/** A day as the page writes it. */
export function dayOf(language, at) {
  const options = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'Europe/Paris' };
  return new Intl.DateTimeFormat(intl[language], options).format(new Date(at * 1000));
}
