// Guardians: what the page asks of the client about them, and about coming back.

import type { Client as OwnerClient } from '../wasm/owner/client';
import type { GuardedView, ReturnsView, Safe, SafeView } from './intents';

type OfGuardians = Pick<Safe,
  'drawPaper' | 'guardians' | 'checkGuardian' | 'nameGuardians' | 'endGuardians' | 'splitAgain' | 'returns' | 'stopReturn' |
  'guarding' | 'beginReturn' | 'vouch' | 'cancelReturn' | 'resign' | 'comeBack' | 'lookBack' | 'enterBack' | 'leaveBack'>;

type InTurn = <T>(what: () => Promise<T>) => Promise<T>;

export function ofGuardians(client: OwnerClient, inTurn: InTurn, shown: (view: string) => Promise<SafeView>): OfGuardians {
  const act = (act: string, given: object = {}): Promise<string> =>
    inTurn(() => client.guardians(JSON.stringify({ act, ...given })));
  const guarded = async (name: string, given: object): Promise<GuardedView[]> => JSON.parse(await act(name, given));
  return {
    drawPaper: (kind) => inTurn(async () => JSON.parse(await client.draw_paper(kind))),
    guardians: async () => JSON.parse(await act('list')),
    checkGuardian: async (who) => JSON.parse(await act('check', { who: [who] })),
    nameGuardians: async (who, needed, signedAs, knownBy) => void (await act('name', { who, needed, signedAs, knownBy })),
    endGuardians: async () => void (await act('end')),
    splitAgain: async () => JSON.parse(await act('split')) === true,
    returns: (afresh) => inTurn(async () => {
      if (afresh) await client.view();
      return JSON.parse(await client.guardians(JSON.stringify({ act: 'returns' }))) as ReturnsView;
    }),
    stopReturn: async (id) => JSON.parse(await act('stop', { id })),
    guarding: (desk) => guarded('guarding', { desk }),
    beginReturn: (desk, id, code) => guarded('begin', { desk, id, code }),
    vouch: (desk, id, code, met) => guarded('vouch', { desk, id, code, met }),
    cancelReturn: (desk, id) => guarded('cancel', { desk, id }),
    resign: (id) => guarded('resign', { id }),
    comeBack: async (letters, pin) => JSON.parse(await act('come', { letters, pin })),
    lookBack: async (papers) => JSON.parse(await act('look', { papers })),
    enterBack: (papers, kept) => inTurn(async () => shown(await client.guardians(JSON.stringify({ act: 'enter', papers, kept })))),
    leaveBack: async () => void (await act('leave').catch(() => undefined)),
  };
}
