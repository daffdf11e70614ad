// A way in that is changed is two steps, a new one and the end of the old: what opens when they were stopped between.

import type { LockView } from '../../worker/intents';
import { vault } from '../../lib/vault.svelte';

export type Works = 'old' | 'both' | 'new' | 'unknown';

/** The ids of the ways of one kind. */
export async function idsOf(kind: LockView['kind']): Promise<string[]> {
  const locks = await vault.ask((safe) => safe.locks());
  return locks.filter((lock) => lock.kind === kind).map((lock) => lock.id);
}

/** Which of that kind open, `before` having been those that there were. */
export async function whatWorks(kind: LockView['kind'], before: readonly string[]): Promise<Works> {
  try {
    // What another look brought counts, not what this page remembers.
    await vault.refresh();
    const after = await idsOf(kind);
    const [kept, made] = [after.filter((id) => before.includes(id)), after.some((id) => !before.includes(id))];
    if (!made) return 'old';
    return kept.length === before.length ? 'both' : 'new';
  } catch {
    return 'unknown';
  }
}
