// Every language says the same things: the same keys, the same placeables, and a form for each plural
// that the language has. French is the source.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { Visitor, parse } from '@fluent/syntax';

const categories = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);
// Not a million, which French and Spanish put into a category of its own.
const counts = Array.from({ length: 1001 }, (_, count) => count);

/** Notes what a message is made of. */
class Reader extends Visitor {
  placeables = new Set();
  plurals = [];

  visitVariableReference(node) {
    this.placeables.add(`$${node.id.name}`);
  }

  visitSelectExpression(node) {
    const forms = node.variants.map(({ key }) => key.name ?? Number(key.value));
    if (forms.some((form) => categories.has(form) && form !== 'other')) this.plurals.push(forms);
    this.genericVisit(node);
  }
}

const folder = new URL('../messages/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ftl'))
  .map((file) => basename(file, '.ftl'));

for (const name of names) {
  const language = name.slice(-2);
  const words = read(name);
  const source = read(`${name.slice(0, -2)}fr`);

  test(`${name} is read without a fault`, () => {
    assert.deepEqual(words.faults, []);
  });

  test(`${name} says everything, and nothing that the source does not`, () => {
    assert.deepEqual([...words.messages.keys()].sort(), [...source.messages.keys()].sort());
  });

  test(`${name} uses the same placeables`, () => {
    const different = [...words.messages].filter(([key, { placeables }]) =>
      [...placeables].sort().join() !== [...(source.messages.get(key)?.placeables ?? [])].sort().join());
    assert.deepEqual(different.map(([key]) => key), []);
  });

  test(`${name} has a form for each of its plurals`, () => {
    const lacking = [...words.messages].flatMap(([key, { plurals }]) =>
      plurals.filter((forms) => !complete(language, forms)).map((forms) => `${key}: ${forms}`));
    assert.deepEqual(lacking, []);
  });
}

/** The messages of a file: the placeables of each, and the variants of each choice by number. */
function read(name) {
  const resource = parse(readFileSync(new URL(`${name}.ftl`, folder), 'utf8'), {});
  const faults = [];
  const messages = new Map();
  for (const entry of resource.body) {
    if (entry.type === 'Junk') faults.push(entry.content.trim());
    if (entry.type !== 'Message') continue;
    if (messages.has(entry.id.name)) faults.push(`${entry.id.name} is there twice`);
    const reader = new Reader();
    reader.visit(entry);
    messages.set(entry.id.name, reader);
  }
  return { faults, messages };
}

/** Every count that a safe can show finds its form, or is named itself. */
function complete(language, forms) {
  const rules = new Intl.PluralRules(language);
  return counts.every((count) => forms.includes(count) || forms.includes(rules.select(count)));
}

test('no words stand in two files', () => {
  const keys = names.filter((name) => name.endsWith('fr')).flatMap((name) => [...read(name).messages.keys()]);
  assert.deepEqual(keys.filter((key, at) => keys.indexOf(key) !== at), []);
});

test("the owner's page names no words that only the structures' page loads", () => {
  const apart = [...read('desk.fr').messages.keys()];
  const files = filesOf(new URL('../src/owner.ts', import.meta.url));
  assert.ok(files.size > 50, `${files.size} files`);
  const named = [...files].flatMap((file) => {
    const text = readFileSync(new URL(file), 'utf8');
    return apart.filter((key) => text.includes(`'${key}'`)).map((key) => `${key} in ${file}`);
  });
  assert.deepEqual(named, []);
});

/** A file of ours, and all that it may load, at once or later. */
function filesOf(start) {
  const files = new Set([start.href]);
  for (const file of files) {
    for (const [, name] of readFileSync(new URL(file), 'utf8').matchAll(/(?:from|import) ?\(?'(\.[^'?]+)/g)) {
      const there = ['', '.ts', '.svelte.ts'].map((end) => new URL(name + end, file)).find((it) => /\.(ts|svelte)$/.test(it.href) && existsSync(it));
      if (there) files.add(there.href);
    }
  }
  return files;
}
