// An evening at a desk: one tablet, one person after the other, and how many safes were opened. The number
// and the evening's end are kept by this tab alone, and go over `/leave`, which clears what a site keeps, in
// the fragment, which no server sees.

import { kiosk, takeFragment } from './router.svelte';

interface Evening {
  opened: number;
  /** In seconds since 1970. */
  endsAt: number;
}

const name = 'evening';
const lasts = 8 * 3600;

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** The evening that was written as `opened.endsAt`; null for none, one that is over and anything else. */
function read(text: string | null): Evening | null {
  const [, opened, endsAt] = (/^(\d{1,4})\.(\d{1,12})$/.exec(text ?? '') ?? []).map(Number);
  if (opened === undefined || endsAt === undefined) return null;
  const left = endsAt - now();
  return left > 0 && left <= lasts ? { opened, endsAt } : null;
}

/** What the tab keeps; a browser that refuses to keep anything has the fragment alone. */
function kept(): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, text);
  } catch {
    // It goes on without.
  }
}

let running = $state.raw<Evening | null>(null);

function written(): string | null {
  return running && `${running.opened}.${running.endsAt}`;
}

function set(next: Evening | null): void {
  running = next;
  keep(written());
}

// A structure's page opens no safes for others.
if (kiosk && !location.pathname.startsWith('/structure')) {
  set(read(takeFragment(name)) ?? read(kept()));
  setInterval(() => {
    if (running && !read(written())) set(null);
  }, 10_000);
}

export const evening = {
  get running(): Evening | null {
    return running;
  },
  /** What the address over `/leave` ends with. */
  get fragment(): string {
    return running ? `#${name}=${written()}` : '';
  },
  begin(): void {
    set({ opened: 0, endsAt: now() + lasts });
  },
  /** One more safe. */
  count(): void {
    if (running) set({ ...running, opened: running.opened + 1 });
  },
  end(): void {
    set(null);
  },
};
