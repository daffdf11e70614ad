// The automatic lock: five minutes without a touch, or ten minutes out of sight (the camera and the
// file picker hide the page for a while). Work in progress counts as a touch. Outside, words that were
// drawn or typed are taken off the screen after the same time.

import { vault } from './vault.svelte';

const idleSeconds = 300;
const hiddenSeconds = 600;
const warnSeconds = 30;

let lastTouch = Date.now();
let hiddenSince: number | null = null;
let secondsLeft = $state<number | null>(null);

export const quiet = {
  /** Seconds before the lock, while the warning shows; null otherwise. */
  get secondsLeft(): number | null {
    return secondsLeft;
  },
};

export function touch(): void {
  lastTouch = Date.now();
  secondsLeft = null;
}

function lock(because: 'idle' | 'hidden'): void {
  secondsLeft = null;
  if (vault.view) void vault.lock(because);
  else vault.wipe();
}

function look(): void {
  if (!vault.view && !vault.exposed) {
    secondsLeft = null;
    return;
  }
  if (vault.busy) lastTouch = Date.now();
  if (hiddenSince !== null) {
    if (Date.now() - hiddenSince >= hiddenSeconds * 1000) lock('hidden');
    return;
  }
  const left = idleSeconds - Math.floor((Date.now() - lastTouch) / 1000);
  if (left <= 0) lock('idle');
  else secondsLeft = left <= warnSeconds ? left : null;
}

function seenOrHidden(): void {
  if (document.hidden) {
    hiddenSince = Date.now();
    return;
  }
  // Timers sleep while a phone does: the time out of sight is counted on coming back.
  look();
  hiddenSince = null;
  touch();
}

export function startQuiet(): void {
  for (const kind of ['click', 'keydown', 'wheel', 'touchmove']) {
    addEventListener(kind, touch, { passive: true, capture: true });
  }
  document.addEventListener('visibilitychange', seenOrHidden);
  setInterval(look, 1000);
}
