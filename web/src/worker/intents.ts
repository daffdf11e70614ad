// What a screen may ask of the safe, and what it is told. The only file of this folder that screens
// import: no key, no route and no byte layout is visible from here.

import type { GuardianIntents } from './guardian-views';

export type * from './guardian-views';

/** Stable codes of `core`'s and the server's errors; the page turns `error.<code>` into words. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    /** Seconds after which trying again makes sense, when the answer says so. */
    readonly retryAfter?: number,
    /** What the words need: `limit` in bytes, `place` of a word counted from 1. Never secret. */
    readonly detail: Record<string, string | number> = {},
  ) {
    super(code);
  }
}

export type Progress = (done: number, total: number) => void;

/** What a document is shown as; decides the pictogram and the viewer. */
export type DocumentKind = 'photo' | 'pdf' | 'other';

export interface DocumentView {
  id: string;
  /** `damaged`: its card does not open; the rest of the safe is unaffected. */
  state: 'kept' | 'damaged';
  title: string;
  kind: DocumentKind;
  mediaType: string;
  sizeBytes: number;
  pageCount: number;
  version: number;
  /** Seconds since 1970, from the card. */
  addedAt: number;
  hasThumbnail: boolean;
  /** Live grants that cover this document. */
  grantIds: string[];
}

export interface SafeView {
  handle: string;
  documents: DocumentView[];
  /** Documents sealed on this device that have not reached the server yet. */
  drafts: DraftView[];
  /** What a worker scans who wants to give this person a paper. */
  address: string;
  addressQr: string;
  /** Papers of others that wait. */
  deposits: number;
  usedBytes: number;
  limitBytes: number;
  fileLimitBytes: number;
  /** How many wrong PINs were typed before the one that opened it, since the last time. */
  wrongPins: number;
  /** The first device of one's own, of a safe that somebody else's made: other keys are offered. */
  offersKeys: boolean;
  /** Something was signed in the name of this device, and not by it. */
  copied: boolean;
  /** The newest change is in the public log; before that it is only sent. */
  safe: boolean;
  /** Why the safe could not be compared with the public log since it was opened, if it could not. */
  unchecked: string | null;
  /** Nobody but the operator vouches for the public log. */
  operatorsWord: boolean;
  /** Whether this device keeps a file that shows two logs: see `evidence`. */
  evidence: boolean;
}

/** What somebody sealed for this person. Their words are what they say, and signed; nobody checked them. */
export interface DepositView {
  id: string;
  saysToBe: string;
  message: string;
  structureName: string;
  structurePlace: string;
  compared: boolean;
  workerNumber: number;
  title: string;
  kind: DocumentKind;
  mediaType: string;
  sizeBytes: number;
  madeAt: number;
  endsAt: number;
}

export interface InboxView {
  waiting: DepositView[];
  /** Never opened. */
  quarantined: { id: string; reason: 'forged' | 'unproven' | 'left' | 'misdirected' | 'replayed' | 'damaged' }[];
}

export interface DraftView {
  id: string;
  title: string;
  kind: DocumentKind;
  sizeBytes: number;
  madeAt: number;
}

export interface StructureSummary {
  id: string;
  name: string;
  place: string;
  /** True when its code was compared on a device of this safe. */
  compared: boolean;
}

export interface VerifiedStructure extends StructureSummary {
  /** Twenty letters, in five groups of four. */
  code: string;
  workerCount: number;
  /** Name of the structure whose word was taken for it, as far as it is known; empty when its own code was compared. */
  introducedBy: string;
}

/** Who introduces a structure, and what its own chain says that it is. */
export interface Introducers {
  structure: VerifiedStructure | null;
  by: VerifiedStructure[];
}

export interface GrantView {
  id: string;
  /** Ids that the same grant had before, under other keys. */
  earlier: string[];
  structureId: string;
  structureName: string;
  documentIds: string[];
  /** What the owner wrote for the structure; empty once it was taken back. */
  signedAs: string;
  purpose: string;
  givenAt: number;
  /** When its key was last changed, because somebody had left the structure. */
  renewedAt: number | null;
  endsAt: number;
  state: 'live' | 'ended' | 'closed' | 'taken_back';
  opened: OpenedView[];
}

export interface OpenedView {
  documentId: string;
  structureName: string;
  workerNumber: number;
  at: number;
}

export type TraceKind =
  | 'opened_safe' | 'added' | 'accepted' | 'refused' | 'renamed' | 'replaced' | 'removed' | 'given' | 'renewed' | 'rewrapped' | 'listed' | 'seen'
  | 'taken_back' | 'ended' | 'device_added' | 'device_retired' | 'lock_set' | 'lock_retired' | 'new_generation' | 'guardians_named' | 'return_begun' | 'return_stopped'
  | 'brought_back' | 'went_on';

/** What is missing of a safe that comes from a copy, as its person was told and knows: until when, how much, when it went on. */
export type Told = [until: number, missing: number] | [until: number, missing: 0, at: number];

export interface TraceEntry {
  at: number;
  kind: TraceKind;
  title?: string;
  documentId?: string;
  structureName?: string;
  workerNumber?: number;
  endsAt?: number;
  /** For devices: whether it is the one in use. */
  thisDevice?: boolean;
}

export interface DeviceView {
  id: string;
  addedAt: number;
  thisDevice: boolean;
  /** 1 phone, 2 tablet, 3 computer, 4 somebody else's computer; else unknown. */
  picture: number;
  /** Until when its session lasts; null where it has none. */
  signedInUntil: number | null;
}

/** One way in. */
export interface LockView {
  id: string;
  kind: 'words' | 'sheet' | 'card' | 'device' | 'passkey' | 'guardians';
  /** Which picture its person chose. */
  picture: number;
  setAt: number;
  /** How often its PIN may still be wrong; null without a PIN, 0 when it opens nothing any more. */
  triesLeft: number | null;
  /** It is the one that this browser keeps. */
  here: boolean;
}

/** With what a safe is opened: at least two of them. */
export interface Ways {
  words: boolean;
  sheet: boolean;
  card: { pin: string; picture: number } | null;
}

/** Secrets drawn on this device for a safe that does not exist yet, or for other keys of one: shown, confirmed, then used. */
export interface Drawn {
  handle: string;
  words: string[];
  sheet: SheetView;
  card: SheetView;
}

export interface SheetView {
  /** Letters with check characters, in groups, as printed. */
  groups: string[];
  /** What the printed QR holds. */
  qr: string;
}

export interface SeenBefore {
  documents: { id: string; title: string; opened: OpenedView[] }[];
}

export interface Opened {
  bytes: ArrayBuffer;
  title: string;
  mediaType: string;
  kind: DocumentKind;
  /** Why nobody knows whether it is still given, and the newest. */
  unchecked?: string | undefined;
}

/** How a file is described when it is added: the page proposes, the person corrects. */
export interface NewDocument {
  file: Blob;
  title: string;
  kind: DocumentKind;
  mediaType: string;
  pageCount: number;
  /** JPEG, at most 30,000 bytes; made on the device. */
  thumbnail?: Blob;
}

/** Everybody who has a safe. */
export interface Safe extends GuardianIntents {
  /** Plain-word codes of what this browser lacks; empty when all is there. */
  missing(): Promise<string[]>;

  // Getting in
  draw(again: boolean): Promise<Drawn>;
  /** What this device keeps of a log that did not continue what it had shown: a file for whoever helps. */
  evidence(): Promise<ArrayBuffer | null>;
  putEvidenceAway(): Promise<void>;
  /** Makes the safe with what `draw` gave, or begins its other keys; `keep` says that this device is the person's own. */
  open(ways: Ways, keep: boolean): Promise<SafeView>;
  unlockWithWords(handle: string, words: string, keep: boolean, told?: Told): Promise<SafeView>;
  /** Letters as typed, or what the QR held. */
  unlockWithSheet(letters: string, keep: boolean, told?: Told): Promise<SafeView>;
  /** Whether this browser lets the page keep anything. Asked once the person says that it may. */
  canKeep(): Promise<boolean>;
  unlockWithCard(letters: string, pin: string, keep: boolean, told?: Told): Promise<SafeView>;
  /** With what a passkey gave, as base64url. */
  unlockWithPasskey(given: string, keep: boolean, told?: Told): Promise<SafeView>;
  /** Opens the safe that this browser remembers. */
  unlockHere(pin: string, told?: Told): Promise<SafeView>;
  /** Whether it remembers one. */
  remembersHere(): Promise<boolean>;
  /** What letters, typed or from a square, say that they are of. */
  readPaper(letters: string): Promise<'sheet' | 'card' | 'return' | 'guardian'>;
  /** Refuses what is not six digits, and what is guessed first. */
  checkPin(pin: string): Promise<void>;
  /** What a passkey is asked for its secret with. */
  passkeyInput(): Promise<Uint8Array>;

  // Ways in, changed from inside
  locks(): Promise<LockView[]>;
  retireLock(lockId: string): Promise<void>;
  /** New words with a new name for the safe; they count once they were set. */
  drawWords(): Promise<{ handle: string; words: string[] }>;
  /** In place of the old ones; asked again after it was stopped half-way, it goes on. */
  setWords(handle: string, words: string): Promise<void>;
  drawSheet(): Promise<SheetView>;
  setSheet(letters: string): Promise<void>;
  drawCard(): Promise<SheetView>;
  /** One more card. */
  setCard(letters: string, pin: string, picture: number): Promise<void>;
  /** Whether it is a card of this safe. */
  hasCard(letters: string): Promise<boolean>;
  setCardPin(letters: string, pin: string): Promise<void>;
  rememberHere(pin: string, instead: boolean): Promise<void>;
  forgetHere(): Promise<void>;
  addPasskey(given: string): Promise<void>;

  // A computer that is let in by a phone
  /** On the computer: what its square holds, and the same as letters. */
  drawLink(own: boolean): Promise<SheetView>;
  /** Asked every few seconds: the number of the picture that the phone shows too, once it has let this computer in. */
  lookLink(): Promise<number | null>;
  /** Once its person has said that both pictures are one. */
  enterLink(): Promise<SafeView>;
  dropLink(): Promise<void>;
  /** On the phone: what the computer of that square will be, as the picture of a device. */
  findLink(code: string): Promise<number>;
  /** Lets it in; the number of the picture that both show. */
  letIn(code: string): Promise<number>;

  /** Handle of the safe kept on this device, to fill the first field. */
  keptHandle(): Promise<string | null>;
  lock(): Promise<void>;
  signOut(everywhere: boolean): Promise<void>;
  devices(): Promise<DeviceView[]>;
  /** Its sessions end, and its key opens nothing any more. */
  retireDevice(deviceId: string): Promise<void>;

  // Papers
  view(): Promise<SafeView>;
  /** This, `replace`, `changeKey` and `finishDraft` can be stopped half-way: nothing of it stays, and the code is `stopped`.
   *  Once all has arrived and is signed for it is too late: then it is done. */
  add(document: NewDocument, progress: Progress, abort: AbortSignal): Promise<string>;
  replace(documentId: string, document: NewDocument, progress: Progress, abort: AbortSignal): Promise<void>;
  /** Seals it again under other keys; what was there before is erased. */
  changeKey(documentId: string, progress: Progress, abort: AbortSignal): Promise<void>;
  rename(documentId: string, title: string): Promise<void>;
  remove(documentId: string): Promise<void>;
  read(documentId: string, progress: Progress): Promise<Opened>;
  thumbnail(documentId: string): Promise<ArrayBuffer>;
  /** What others sealed for this person: each looked at before anything of it is opened. */
  inbox(): Promise<InboxView>;
  readDeposit(depositId: string, progress: Progress): Promise<Opened>;
  /** Takes it, as a paper of one's own. */
  acceptDeposit(depositId: string, document: NewDocument, progress: Progress, abort: AbortSignal): Promise<string>;
  refuseDeposit(depositId: string): Promise<void>;
  /** Seals at once what the camera gave, before its title is asked, so that a discarded page loses
   *  nothing. Null when this device is not the person's own: then `add` alone is used. */
  draft(document: NewDocument): Promise<string | null>;
  /** Uploads a draft under its title; it leaves `drafts` once the server has acknowledged it. */
  finishDraft(draftId: string, title: string, progress: Progress, abort: AbortSignal): Promise<string>;
  dropDraft(draftId: string): Promise<void>;
  /** Everything as one zip: documents, and a readable list. */
  takeAway(progress: Progress): Promise<Blob>;
  closeForGood(): Promise<void>;

  // Giving
  findStructures(query: string): Promise<StructureSummary[]>;
  /** `code`: twenty letters as typed, or what a QR held. Refuses another chain for the same structure. */
  compareStructure(structureId: string, code: string): Promise<VerifiedStructure>;
  structures(): Promise<VerifiedStructure[]>;
  /** Structures that were compared and introduce this one, as of now. */
  introducers(structureId: string): Promise<Introducers>;
  /** Takes the word of one of them, in place of comparing. */
  admitStructure(structureId: string, introducerId: string): Promise<VerifiedStructure>;
  give(
    structureId: string, documentIds: string[], endsAt: number, signedAs: string, purpose: string,
  ): Promise<string>;
  grants(): Promise<GrantView[]>;
  /** Answers with what had been opened before. */
  takeBack(grantId: string): Promise<SeenBefore>;
  trace(): Promise<TraceEntry[]>;
}

export interface MemberView {
  number: number;
  name: string;
  role: 'manager' | 'worker';
  me: boolean;
  /** A manager asks that they be one no more. */
  asked: AskedView | null;
}

/** What a manager asks the others to say with them. */
export interface AskedView {
  by: string;
  mine: boolean;
  until: number;
}

export interface StructureView {
  id: string;
  name: string;
  place: string;
  code: string;
  /** What the desk's QR holds. */
  qr: string;
  state: 'waiting_for_operator' | 'waiting_for_manager' | 'waiting_for_colleague' | 'member' | 'left' | 'closed';
  role: 'manager' | 'worker';
  recipientEpoch: number;
  members: MemberView[];
  invitations: { id: string; name: string; endsAt: number; state: 'open' | 'asked' | 'used' }[];
  /** A manager asks that it close. */
  closing: AskedView | null;
  /** Whether what was given shows: for members, and for whoever waits to be one again. */
  reads: boolean;
  /** Who signed for what this device could not take in; the name is empty when it is not known. */
  spoiledBy: { number: number; name: string; me: boolean } | null;
  /** Something was signed in the name of this device, and not by it. */
  copied: boolean;
}

export interface ReceivedDocument {
  id: string;
  state: 'kept' | 'damaged';
  title: string;
  kind: DocumentKind;
  mediaType: string;
  sizeBytes: number;
  pageCount: number;
  version: number;
  hasThumbnail: boolean;
  /** Why nobody knows whether it is still given, and the newest. */
  unchecked?: string;
}

export interface ReceivedView {
  grantId: string;
  /** Ids that the same grant had before, as far as this visit has seen them. */
  earlier: string[];
  /** What the owner wrote for the structure to know them by. */
  signedAs: string;
  purpose: string;
  givenAt: number;
  endsAt: number;
  documentCount: number;
}

export interface IntroductionView {
  id: string;
  name: string;
  place: string;
  madeAt: number;
}

export interface SentView {
  id: string;
  title: string;
  sentAt: number;
  endsAt: number;
  accepted: boolean;
}

/** How far what was given is carried over to the newest key, after somebody left. */
export interface RenewalView {
  /** Grants there are, and of these those under the newest key. */
  all: number;
  renewed: number;
  /** Of these, those that no colleague's page has opened yet. */
  waiting: number;
  /** What this page can do about the rest, and whether at once. */
  left: number;
  more: boolean;
  /** Whether nobody else is there. */
  alone: boolean;
  /** Who renewed what does not open, or said so of what does, as this page itself has found. */
  blamed: { number: number; name: string; saidFalsely: boolean }[];
}

/** What the people of a structure do beside; present only on the structure's page. */
export interface Desk {
  /** The root of a structure that does not exist yet: shown, put on paper, then used by `found`. */
  drawRoot(): Promise<SheetView>;
  /** Can be tried again after a lost answer: it is the structure of that root, founded once. */
  found(name: string, place: string, myName: string): Promise<StructureView>;
  structure(): Promise<StructureView | null>;
  /** The part of the link after `#`; the page adds its own address before it. */
  invite(name: string): Promise<{ fragment: string; endsAt: number }>;
  join(fragment: string, myName: string): Promise<StructureView>;
  /** With the letters of the structure's paper, when nobody is left who could let this device in. */
  beginAgain(letters: string): Promise<StructureView>;
  /** Takes a member's place away: at once, for good. */
  putOut(number: number): Promise<StructureView>;
  makeManager(number: number): Promise<StructureView>;
  /** The person at this page is a manager no more. */
  stepDown(): Promise<StructureView>;
  /** Asks the other managers, or agrees with the one who has asked: it takes two. */
  removeManager(number: number): Promise<StructureView>;
  /** With the letters of the structure's paper, in a manager's place. */
  replaceManager(letters: string, number: number): Promise<StructureView>;
  /** Asks the other managers, or agrees with the one who has asked; with the letters of the paper, at once. */
  closeStructure(letters: string | null): Promise<StructureView>;
  /** Checks, certifies and commits whoever asked to join; processes what others committed. */
  settle(): Promise<StructureView>;
  /** Looks at what the structure was given, and learns who gave the newest; whether there is more to learn. */
  look(): Promise<boolean>;
  /** Learns who gave some more of it; whether there is still more. */
  learn(): Promise<boolean>;
  received(): Promise<ReceivedView[]>;
  /** How far that is under the newest key. */
  renewal(): Promise<RenewalView>;
  /** Carries some of it over to the newest key, and looks at what colleagues' pages carried over. */
  renew(): Promise<RenewalView>;
  /** Opens a grant, which the owner's trace shows: what it covers. */
  openReceived(grantId: string): Promise<ReceivedDocument[]>;
  /** Seals a paper for whoever showed `address`, and signs it. */
  deposit(
    address: string, document: NewDocument, name: string, message: string, progress: Progress, abort: AbortSignal,
  ): Promise<void>;
  sentDeposits(): Promise<SentView[]>;
  /** Other structures for which this one stands in. */
  introductions(): Promise<IntroductionView[]>;
  /** Only of a structure whose code this person compared. */
  introduce(structureId: string): Promise<void>;
  withdrawIntroduction(structureId: string): Promise<void>;
  readReceived(grantId: string, documentId: string, progress: Progress): Promise<Opened>;
  receivedThumbnail(grantId: string, documentId: string): Promise<ArrayBuffer>;
}
