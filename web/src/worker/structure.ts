import { connectTo } from './client';
import type { Desk, Safe } from './intents';
import address from './structure.worker?worker&url';

/** The structures' client: with MLS. */
export function connect(): { safe: Safe; desk: Desk | null } {
  return connectTo(address);
}
