import { connectTo } from './client';
import type { Desk, Safe } from './intents';
import address from './owner.worker?worker&url';

/** The owner's client: without MLS. */
export function connect(): { safe: Safe; desk: Desk | null } {
  return { ...connectTo(address), desk: null };
}
