// The one home of the page's state: what the safe shows, over the intents of the worker. Screens read
// it and ask through it; nothing here knows a key, a route of the server or a byte layout.

import { startAnew } from './anew';
import { hideAddresses, kiosk, replace } from './router.svelte';
import { whileSeen } from './seen';
import {
  Refusal, type Desk, type GrantView, type Progress, type ReceivedDocument, type ReceivedView, type RenewalView,
  type ReturnsView, type Safe, type SafeView, type SeenBefore, type StructureView,
} from '../worker/intents';

/** Why the person is outside although they were inside. */
export type Outside = 'wiped' | 'locked' | 'idle' | 'hidden' | 'reload' | 'signed_out' | 'session_ended' | 'closed' | null;

/** One file on its way into the safe. */
export interface Task {
  id: number;
  title: string;
  done: number;
  total: number;
  state: 'running' | 'done' | 'failed' | 'stopped';
  refusal: Refusal | null;
  again: () => void;
  /** Stops what is under way; null once the person has asked for that. */
  stop: (() => void) | null;
}

type Putting = (safe: Safe, progress: Progress, abort: AbortSignal) => Promise<unknown>;

export function asRefusal(thrown: unknown): Refusal {
  return thrown instanceof Refusal ? thrown : new Refusal('internal');
}

/** Seconds for which what is shown is taken as fresh. */
const staleAfter = 3;
/** Milliseconds between two looks at what a structure was given. */
const receiveEvery = 6_000;
/** Milliseconds after coming in when guardians are looked after: what the person does first goes first. */
const splitAfter = 6_000;
/** Milliseconds between two looks at who comes back. */
const watchEvery = 60_000;
/** Milliseconds that the server has to hear of a sign-out before the page goes all the same. */
const goodbye = 2_000;
/** How many answers of a long look pass before the screen shows what they brought. */
const showEvery = 5;

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function namesOf(grant: ReceivedView): string[] {
  return [grant.grantId, ...grant.earlier];
}

class Vault {
  view = $state.raw<SafeView | null>(null);
  grants = $state.raw<GrantView[]>([]);
  /** Whether `grants` was ever learned since coming in: before that, empty means unknown. */
  grantsKnown = $state(false);
  /** From when what is shown of the safe is, in seconds since 1970. */
  lookedAt = $state(0);
  /** Why the last look at the safe brought nothing; cleared by the next one that does. */
  trouble = $state.raw<Refusal | null>(null);
  /** Who comes back to this safe; null before that was looked at. */
  returns = $state.raw<ReturnsView | null>(null);
  /** What the last grant taken back had already shown. */
  seen = $state.raw<SeenBefore | null>(null);
  /** Files dropped on another screen, waiting for the add screen. */
  dropped = $state.raw<File[]>([]);
  tasks = $state<Task[]>([]);
  outside = $state<Outside>(null);
  keptHandle = $state<string | null>(null);
  /** Whether this device is the person's alone; null until that was said. */
  own = $state<boolean | null>(kiosk ? false : null);
  /** This browser opens a safe with a PIN. */
  remembersHere = $state(false);
  missing = $state.raw<string[]>([]);

  structure = $state.raw<StructureView | null>(null);
  received = $state.raw<ReceivedView[]>([]);
  /** How far it is under the newest key; null before that was looked at. */
  renewal = $state.raw<RenewalView | null>(null);
  /** What the grants that were opened in this visit cover, by the id in the address. */
  papers = $state.raw<ReadonlyMap<string, ReceivedDocument[]>>(new Map());
  /** Whether `received` was looked at since coming in: before that, empty means unknown. */
  looked = $state(false);
  /** What was here in this visit and is not any more although its day is not over: grants, and papers
   *  as `grant~paper`. */
  takenBack = $state.raw<ReadonlySet<string>>(new Set());
  /** Why the last look at the desk failed; shown, and cleared by the next one that succeeds. */
  deskTrouble = $state.raw<Refusal | null>(null);
  /** What was just done on another screen of the desk, in words. */
  told = $state('');
  /** The invitation that the address held; in memory only, used once. */
  invitation = $state<string | null>(null);

  /** Other keys were offered in this visit, and not wanted. */
  declinedKeys = $state(false);
  /** Other keys were made in this visit: the old paper may go. */
  renewed = $state(false);
  /** Words or letters that open a safe stand on a screen outside. */
  exposed = $state(false);

  /** The screen one lands on inside. */
  home = 'safe';
  onStructurePage = false;

  /** Set once when the client could not start at all. */
  broken = $state.raw<Refusal | null>(null);

  #safe: Safe | null = null;
  #desk: Desk | null = null;
  #connected: () => void = () => undefined;
  readonly #ready = new Promise<void>((settle) => (this.#connected = settle));
  #nextTask = 1;
  #visit = 0;

  /** Somebody comes back to this safe, or did, or the log knows of it and the service does not say so. */
  readonly alarming = $derived(this.returns !== null && (this.returns.returns.length > 0 || this.returns.unsound > 0 || this.returns.isHidden));
  readonly busy = $derived(this.tasks.some((task) => task.state === 'running'));

  async connect(safe: Safe, desk: Desk | null): Promise<void> {
    this.#safe = safe;
    this.#desk = desk;
    this.missing = await safe.missing();
    if (this.missing.length === 0 && !kiosk) {
      [this.keptHandle, this.remembersHere] = await Promise.all([safe.keptHandle(), safe.remembersHere()]);
    }
    const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    const wasInside = /^#\/(?!come|open|language)\w/.test(location.hash);
    if (entry?.type === 'reload' && wasInside && !this.view) this.outside = 'reload';
    this.#connected();
  }

  async lookWhatIsHere(): Promise<void> {
    this.remembersHere = await this.ask((safe) => safe.remembersHere());
  }

  /** Asks the safe; a session that ended elsewhere leads outside, whatever was asked. */
  async ask<T>(intent: (safe: Safe) => Promise<T>): Promise<T> {
    await this.#ready;
    if (!this.#safe) throw new Refusal('internal');
    return this.#guard(intent(this.#safe));
  }

  async askDesk<T>(intent: (desk: Desk) => Promise<T>): Promise<T> {
    await this.#ready;
    if (!this.#desk) throw new Refusal('internal');
    return this.#guard(intent(this.#desk).catch((thrown: unknown) => {
      const refusal = asRefusal(thrown);
      // Of the team, a colleague's page was faster; of one's own safe it is another device.
      throw refusal.code === 'conflict' ? new Refusal('team_changes') : refusal;
    }));
  }

  async #guard<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      // What was under way when the page locked itself ends like this too: the first reason stands.
      if (refusal.code === 'session_ended' && this.view) this.#forget('session_ended');
      throw refusal;
    }
  }

  /** Asks for a change, then shows the safe as it is afterwards. */
  async change<T>(intent: (safe: Safe) => Promise<T>): Promise<T> {
    const answer = await this.ask(intent);
    // What was done is done, even if the network goes before it can be shown.
    await this.refresh().catch(() => undefined);
    return answer;
  }

  async refresh(): Promise<void> {
    const visit = this.#visit;
    try {
      const view = await this.ask((safe) => safe.view());
      const grants = this.onStructurePage ? [] : await this.ask((safe) => safe.grants());
      // An answer that was under way while the safe was locked must not show it again.
      if (visit === this.#visit) this.#show(view, grants);
    } catch (thrown) {
      if (visit === this.#visit) this.trouble = asRefusal(thrown);
      throw thrown;
    }
  }

  #show(view: SafeView, grants: GrantView[]): void {
    [this.view, this.grants, this.grantsKnown, this.trouble] = [view, grants, true, null];
    this.lookedAt = now();
  }

  /** For screens that show what another device or a structure may have changed meanwhile. */
  async lookAgain(): Promise<void> {
    if (now() - this.lookedAt > staleAfter) await this.refresh().catch(() => undefined);
  }

  /** Goes in with the answer of an opening or an unlocking. */
  async enter(intent: (safe: Safe) => Promise<SafeView>): Promise<void> {
    const view = await this.ask(intent);
    try {
      if (this.onStructurePage) this.structure = await this.askDesk((desk) => desk.structure());
    } catch (thrown) {
      // Outside is locked: nobody would lock a safe that no screen shows.
      await this.#safe?.lock();
      throw thrown;
    }
    // In place of the door: going back must not lead to somebody's words. As soon as the safe shows, and not later:
    // wherever the person goes from there is where they stay.
    replace(this.home);
    this.view = view;
    this.lookedAt = now();
    if (!this.onStructurePage) await this.#learnGrants();
    // The session may have ended meanwhile.
    if (!this.view) return;
    this.outside = null;
    if (this.own) this.keptHandle = await this.ask((safe) => safe.keptHandle());
    void this.#lookAfterGuardians();
  }

  /** Who comes back is looked at first; then, on a device of one's own, guardians get what changed keys ask for. */
  async #lookAfterGuardians(): Promise<void> {
    const visit = this.#visit;
    await this.lookAtReturns(false);
    await new Promise((settle) => setTimeout(settle, splitAfter));
    if (visit !== this.#visit || !this.own) return;
    const done = await this.ask((safe) => safe.splitAgain()).catch(() => false);
    if (done && visit === this.#visit) await this.refresh().catch(() => undefined);
  }

  async lookAtReturns(afresh: boolean): Promise<void> {
    const visit = this.#visit;
    const returns = await this.ask((safe) => safe.returns(afresh)).catch(() => null);
    if (returns && visit === this.#visit) this.returns = returns;
  }

  /** Looks now and again for as long as a screen shows it; gives what ends that. */
  keepWatch(): () => void {
    return whileSeen(watchEvery, async () => this.returns?.named && this.lookAtReturns(true));
  }

  /** It is not this safe's person. */
  async stopReturn(id: string): Promise<void> {
    const visit = this.#visit;
    const returns = await this.change((safe) => safe.stopReturn(id));
    if (visit === this.#visit) this.returns = returns;
  }

  /** Not knowing them keeps nobody out of the safe: the screens that show them say so, and ask again. */
  async #learnGrants(): Promise<void> {
    const visit = this.#visit;
    try {
      const grants = await this.ask((safe) => safe.grants());
      if (visit === this.#visit) [this.grants, this.grantsKnown] = [grants, true];
    } catch (thrown) {
      if (visit === this.#visit) this.trouble = asRefusal(thrown);
    }
  }

  /** Does what waits for this worker's browser, then shows the desk as it is afterwards. */
  async settle(): Promise<void> {
    const visit = this.#visit;
    try {
      const structure = await this.askDesk((desk) => desk.settle());
      if (visit === this.#visit) [this.structure, this.deskTrouble] = [structure, null];
      if (['left', 'closed'].includes(structure.state)) this.#clearDesk();
    } catch (thrown) {
      if (visit === this.#visit) this.deskTrouble = asRefusal(thrown);
    }
  }

  /** Looks at what the structure was given; of very much of it, what is newest shows first. */
  async receive(): Promise<void> {
    const visit = this.#visit;
    try {
      let more = await this.askDesk((desk) => desk.look());
      for (let turn = 0; more; turn += 1) {
        if (turn % showEvery === 0) await this.#showReceived(visit, false);
        if (visit !== this.#visit) return;
        more = await this.askDesk((desk) => desk.learn());
      }
      await this.#showReceived(visit, true);
    } catch (thrown) {
      if (visit === this.#visit) this.deskTrouble = asRefusal(thrown);
    }
  }

  async #showReceived(visit: number, whole: boolean): Promise<void> {
    const received = await this.askDesk((desk) => desk.received());
    if (visit !== this.#visit) return;
    // What is missing is gone only once everything was learned.
    if (whole) {
      const here = new Set(received.flatMap(namesOf));
      const live = this.received.filter((grant) => grant.endsAt > now()).flatMap(namesOf);
      this.#gone(live.filter((name) => !here.has(name)), here);
    } else if (received.length < this.received.length) return;
    [this.received, this.looked, this.deskTrouble] = [received, true, null];
  }

  #gone(names: string[], back: ReadonlySet<string>): void {
    this.takenBack = new Set([...this.takenBack, ...names].filter((name) => !back.has(name)));
  }

  /** Opens a grant: what it covers, as it is now. */
  async #open(id: string): Promise<void> {
    const visit = this.#visit;
    if (!this.gift(id)) return;
    try {
      const papers = await this.askDesk((desk) => desk.openReceived(id));
      if (visit !== this.#visit) return;
      const here = new Set(papers.map((paper) => `${id}~${paper.id}`));
      const before = (this.papers.get(id) ?? []).map((paper) => `${id}~${paper.id}`);
      this.#gone(before.filter((name) => !here.has(name)), here);
      this.papers = new Map([...this.papers, [id, papers]]);
    } catch (thrown) {
      if (visit !== this.#visit) return;
      const refusal = asRefusal(thrown);
      // The next look at everything takes it from the list.
      if (refusal.code === 'taken_back') this.#gone([id], new Set());
      else this.deskTrouble = refusal;
    }
  }

  /** In small steps, between which everything else goes on: what fails is tried again at the next turn. */
  async #renew(): Promise<void> {
    const visit = this.#visit;
    const step = async (ask: (desk: Desk) => Promise<RenewalView>): Promise<boolean> => {
      const renewal = await this.askDesk(ask);
      if (visit !== this.#visit) return false;
      this.renewal = renewal;
      return renewal.more;
    };
    try {
      // How far it is shows first: a step may take long, or fail.
      await step((desk) => desk.renewal());
      while (await step((desk) => desk.renew()));
    } catch {
      // The list is shown all the same.
    }
  }

  /** A grant to the structure, under the id that it has or had in this visit. */
  gift(id: string): ReceivedView | undefined {
    return this.received.find((grant) => grant.grantId === id || grant.earlier.includes(id));
  }

  /** Looks now and again for as long as a screen shows it, and opens what that screen is about; gives
   *  what ends that. */
  keepReceiving(opening?: string): () => void {
    let ended = false;
    const turn = async (): Promise<void> => {
      if (ended) return;
      if (!document.hidden) {
        await this.receive();
        if (opening && !ended) await this.#open(opening);
        if (!ended) await this.#renew();
      }
      // The more there is, the longer a look takes.
      setTimeout(() => void turn(), receiveEvery + this.received.length * 10);
    };
    void turn();
    return () => {
      ended = true;
    };
  }

  /** Starts a task that goes on while the person looks at other screens. */
  put(title: string, total: number, intent: Putting): void {
    this.tasks.push({
      id: this.#nextTask, title, done: 0, total, state: 'running', refusal: null, again: () => undefined, stop: null,
    });
    this.#nextTask += 1;
    const task = this.tasks[this.tasks.length - 1] as Task;
    task.again = () => void this.#run(task, intent);
    task.again();
  }

  async #run(task: Task, intent: Putting): Promise<void> {
    const abort = new AbortController();
    const stop = (): void => {
      task.stop = null;
      abort.abort();
    };
    Object.assign(task, { state: 'running', refusal: null, done: 0, stop });
    try {
      await this.change((safe) => intent(safe, (done, total) => Object.assign(task, { done, total }), abort.signal));
      Object.assign(task, { state: 'done', done: task.total, stop: null });
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      const stopped = refusal.code === 'stopped';
      Object.assign(task, { state: stopped ? 'stopped' : 'failed', refusal: stopped ? null : refusal, stop: null });
      // What is a draft by now shows on the safe; not being able to look changes nothing.
      if (this.view) await this.refresh().catch(() => undefined);
    }
  }

  forgetTasks(): void {
    this.tasks = this.tasks.filter((task) => task.state === 'running');
  }

  /** Whether whoever says that this device is theirs alone can be taken at their word: a browser that
   *  refuses to keep anything is as good as shared. */
  async canKeep(own: boolean): Promise<boolean> {
    return !own || this.ask((safe) => safe.canKeep());
  }

  /** Somebody said whose device this is. */
  decide(own: boolean): void {
    this.own = own;
    if (!own) hideAddresses();
  }

  /** Takes drawn and typed words off the screen, and out of the worker that drew them. */
  wipe(): void {
    this.#forget('wiped');
    replace('');
  }

  /** On a shared computer this signs out as well, where the server can be reached. */
  async lock(because: Outside): Promise<void> {
    if (this.own === false) {
      this.#clear(because);
      const patience = new Promise((settle) => setTimeout(settle, goodbye));
      await Promise.race([this.#safe?.signOut(false).catch(() => undefined), patience]);
    }
    this.#forget(because);
    replace('come');
  }

  /** Everything goes at once, the keys first. */
  vanish(): void {
    this.#clear(null);
    void this.#safe?.lock();
  }

  async signOut(everywhere: boolean): Promise<void> {
    await this.ask((safe) => safe.signOut(everywhere));
    this.keptHandle = null;
    await this.lookWhatIsHere().catch(() => undefined);
    this.#forget('signed_out');
    replace('');
  }

  async closeForGood(): Promise<void> {
    await this.ask((safe) => safe.closeForGood());
    this.keptHandle = null;
    await this.lookWhatIsHere().catch(() => undefined);
    this.#forget('closed');
    replace('');
  }

  /** The worker ends, and every key with it, whatever led outside. */
  #forget(because: Outside): void {
    this.#clear(because);
    void this.#safe?.lock();
    if (this.own === false) startAnew();
    else this.own = null;
  }

  /** Takes everything of the person off the screens. */
  #clear(because: Outside): void {
    this.#visit += 1;
    this.outside = because;
    this.view = null;
    this.declinedKeys = this.renewed = false;
    this.grants = [];
    this.grantsKnown = false;
    this.trouble = null;
    this.returns = null;
    this.seen = null;
    this.tasks = [];
    this.dropped = [];
    this.structure = null;
    this.#clearDesk();
  }

  #clearDesk(): void {
    this.received = [];
    this.renewal = null;
    this.papers = new Map();
    this.takenBack = new Set();
    this.looked = false;
    this.deskTrouble = null;
    this.told = '';
  }
}

export const vault = new Vault();
