// Ways in: what the page asks of the client about locks, and what this device is.

import type { Client as OwnerClient } from '../wasm/owner/client';
import type { LockView, Safe, SafeView, Told } from './intents';
import { refusalOf } from './bulk';
import { forget, kept } from './keep';

type WaysIn = Pick<Safe,
  'draw' | 'unlockWithWords' | 'unlockWithSheet' | 'unlockWithCard' | 'unlockWithPasskey' | 'unlockHere' | 'remembersHere' |
  'readPaper' | 'checkPin' | 'passkeyInput' | 'locks' | 'retireLock' | 'drawWords' | 'setWords' | 'drawSheet' | 'setSheet' | 'drawCard' | 'setCard' | 'hasCard' | 'setCardPin' |
  'rememberHere' | 'forgetHere' | 'addPasskey' | 'drawLink' | 'lookLink' | 'enterLink' | 'dropLink' | 'findLink' | 'letIn'>;

/** Out of tries: this browser remembers nothing that opens any more. Other refusals may pass. */
async function forgetWhatOpensNothing(thrown: unknown): Promise<never> {
  if (refusalOf(thrown).code === 'pin_spent') await forget('locked/device');
  throw thrown;
}

type InTurn = <T>(what: () => Promise<T>) => Promise<T>;

/** What this device is, as its picture says it. */
export function deviceMark(): number {
  const agent = navigator.userAgent;
  if (/iPad|Tablet|Android(?!.*Mobile)/.test(agent)) return 2;
  return /Mobi|iPhone/.test(agent) ? 1 : 3;
}

export function waysIn(client: OwnerClient, inTurn: InTurn, shown: (view: string) => Promise<SafeView>): WaysIn {
  const unlock = (way: string, held: string, known: string, own: boolean, told?: Told): Promise<SafeView> =>
    inTurn(async () => shown(await client.unlock(way, held, known, own, told && new Float64Array(told))));
  const set = (way: string, held: string, known: string, picture = 0): Promise<void> =>
    inTurn(() => client.set_way(way, held, known, picture));
  const link = (step: string, given = ''): Promise<string> => inTurn(() => client.link(step, given));
  return {
    draw: (again) => inTurn(async () => JSON.parse(await client.draw(again))),
    unlockWithWords: (handle, words, own, told) => unlock('words', handle, words, own, told),
    unlockWithSheet: (letters, own, told) => unlock('sheet', letters, '', own, told),
    unlockWithCard: (letters, pin, own, told) => unlock('card', letters, pin, own, told),
    unlockWithPasskey: (given, own, told) => unlock('passkey', given, '', own, told),
    unlockHere: (pin, told) => unlock('device', '', pin, true, told).catch(forgetWhatOpensNothing),
    remembersHere: async () => (await kept('locked/device').catch(() => undefined)) !== undefined,
    readPaper: async (letters) => client.read_paper(letters) as 'sheet' | 'card' | 'return' | 'guardian',
    checkPin: async (pin) => client.check_pin(pin),
    passkeyInput: async () => client.passkey_input(),
    locks: () => inTurn(async () => JSON.parse(await client.locks()) as LockView[]),
    retireLock: (id) => inTurn(() => client.retire_way(id)),
    drawWords: async () => JSON.parse(client.draw_words()),
    setWords: (handle, words) => set('words', handle, words),
    drawSheet: () => inTurn(async () => JSON.parse(await client.draw_paper('sheet'))),
    setSheet: (letters) => set('sheet', letters, ''),
    hasCard: (letters) => inTurn(async () => client.has_card(letters)),
    setCardPin: (letters, pin) => set('pin', letters, pin),
    drawCard: () => inTurn(async () => JSON.parse(await client.draw_paper('card'))),
    setCard: (letters, pin, picture) => set('card', letters, pin, picture),
    rememberHere: async (pin, instead) => {
      if (instead) await forget('locked/device');
      return set('device', '', pin);
    },
    forgetHere: () => inTurn(() => client.retire_way()),
    addPasskey: (given) => set('passkey', given, ''),
    drawLink: async (own) => JSON.parse(await link('draw', own ? 'own' : '')),
    lookLink: async () => JSON.parse(await link('look')),
    enterLink: () => inTurn(async () => shown(await client.link('enter', ''))),
    dropLink: async () => void (await link('drop')),
    findLink: async (code) => JSON.parse(await link('find', code)),
    letIn: async (code) => JSON.parse(await link('let_in', code)),
  };
}
