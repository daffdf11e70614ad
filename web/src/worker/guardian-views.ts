// What screens may ask of guardians, and of whoever comes back through them, and what they are told.

import type { SafeView, SheetView } from './intents';

export type GuardianKind = 'structure' | 'person' | 'paper';

/** Somebody who is to be a guardian: `id` is of a structure, an address of a safe, or letters of a paper. */
export interface Wished {
  kind: GuardianKind;
  id: string;
  /** What the owner calls them. */
  label: string;
}

export interface GuardiansView {
  namedAt: number;
  /** So many of them bring their person back. */
  needed: number;
  signedAs: string;
  knownBy: string;
  guardians: { number: number; kind: GuardianKind; label: string; standing: 'there' | 'resigned' | 'closed' }[];
}

/** What a guardian said of a return; the label is the owner's, and empty for others. */
export interface VouchView {
  number: number;
  kind: GuardianKind;
  label: string;
  /** Whether they met the person. */
  met: boolean;
  at: number;
}

/** Somebody comes back to a safe through its guardians. */
export interface ReturnView {
  id: string;
  /** Compared by whoever comes back and the guardian who began it: the same return, and so the same safe. */
  letters: string;
  state: 'open' | 'stopped' | 'over' | 'done';
  beganAt: number;
  endedAt: number | null;
  /** It began soon after another was stopped: no device stops it, and it takes more. */
  isStrict: boolean;
  needed: number;
  /** When it could end, as far as guardians have vouched. */
  readyAt: number;
  by: VouchView;
  vouches: VouchView[];
  /** Shown by the service, and signed by no guardian. */
  unsound: number;
}

export interface ReturnsView {
  returns: ReturnView[];
  /** Of which what the service shows is not signed by a guardian. */
  unsound: number;
  /** The public log has one that the service did not show. */
  isHidden: boolean;
  /** Whether this safe ever named guardians: else nobody comes back. */
  named: boolean;
}

/** Somebody whose guardian one is. */
export interface GuardedView {
  id: string;
  /** Of this guardian. */
  number: number;
  signedAs: string;
  knownBy: string;
  namedAt: number;
  /** When others were named in their place, or the safe got other keys; for a while they may still bring its person back. */
  endedAt: number | null;
  needed: number;
  count: number;
  returns: ReturnView[];
}

/** How a return stands, for whoever comes back. */
export interface StandsView {
  shown: ReturnView;
  /** How many guardians are papers. */
  papers: number;
  now: number;
  isReady: boolean;
  /** When the safe got other keys since these guardians were named: what was sealed under those stays closed. */
  overAt: number | null;
}

/** What a screen may ask of them. */
export interface GuardianIntents {
  // Guardians
  /** A paper that counts once it was used: a guardian's, or the card of who comes back. */
  drawPaper(kind: 'guardian' | 'return'): Promise<SheetView>;
  guardians(): Promise<GuardiansView | null>;
  /** Whether they can be one; of a person, their address as it is kept, and whether it is one's own. */
  checkGuardian(who: Wished): Promise<{ id: string; own: boolean } | null>;
  /** In place of those before. */
  nameGuardians(who: Wished[], needed: number, signedAs: string, knownBy: string): Promise<void>;
  endGuardians(): Promise<void>;
  /** Where a guardian's key is another by now; whether there was one. */
  splitAgain(): Promise<boolean>;
  /** Who comes back to this safe, as of its last look, or of now. */
  returns(afresh: boolean): Promise<ReturnsView>;
  stopReturn(returnId: string): Promise<ReturnsView>;
  /** Whose guardian one is, or one's structure. */
  guarding(desk: boolean): Promise<GuardedView[]>;
  /** `code`: what the person's screen shows, as letters or from the square. */
  beginReturn(desk: boolean, guardedId: string, code: string): Promise<GuardedView[]>;
  /** Refused with `log_behind` until the public log has the return. */
  vouch(desk: boolean, guardedId: string, code: string, met: boolean): Promise<GuardedView[]>;
  /** A return that this guardian began, by mistake. */
  cancelReturn(desk: boolean, returnId: string): Promise<GuardedView[]>;
  resign(guardedId: string): Promise<GuardedView[]>;

  // Coming back with nothing left
  /** With a return card and its PIN: what guardians scan. */
  comeBack(letters: string, pin: string): Promise<SheetView>;
  /** Null while nobody began it. `papers` are letters of guardians' papers. */
  lookBack(papers: string[]): Promise<StandsView | null>;
  /** Opens the safe; its other keys are made at once, before it is shown. */
  enterBack(papers: string[], keep: boolean): Promise<SafeView>;
  leaveBack(): Promise<void>;
}
