// Finding one paper of the safe that is shown.

import type { DocumentView, GrantView } from '../worker/intents';
import { vault } from './vault.svelte';

export function paperOf(id: string): DocumentView | undefined {
  return vault.view?.documents.find((paper) => paper.id === id);
}

export function titleOf(id: string): string {
  return paperOf(id)?.title ?? '';
}

/** The live grants that show a paper to somebody. */
export function grantsOf(id: string): GrantView[] {
  return vault.grants.filter((grant) => grant.state === 'live' && grant.documentIds.includes(id));
}
