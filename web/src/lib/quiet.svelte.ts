// The automatic lock: five minutes without a touch, or ten minutes out of sight (the camera and the
// file picker hide the page for a while). Two minutes of either on a shared computer, where any screen
// but the first then goes. Work in progress counts as a touch. Outside, words that were drawn or typed
// are taken off the screen after five minutes everywhere: who copies six words by hand is slow.

import { startAnew } from './anew';
import { router } from './router.svelte';
import { vault } from './vault.svelte';
import { words } from './words.svelte';

const idleSeconds = 300;
const hiddenSeconds = 600;
const sharedSeconds = 120;
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
  // Leaving takes a moment, in which it is not due again.
  touch();
  hiddenSince &&= Date.now();
  if (vault.view) void vault.lock(because);
  else if (vault.exposed) vault.wipe();
  else startAnew();
}

function look(): void {
  const shared = vault.own === false;
  const told = vault.view !== null || vault.exposed;
  const begun = shared && (words.chosen || router.place.name !== '');
  if (!told && !begun) {
    secondsLeft = null;
    return;
  }
  if (vault.busy) lastTouch = Date.now();
  if (hiddenSince !== null) {
    const most = shared ? sharedSeconds : hiddenSeconds;
    if (Date.now() - hiddenSince >= most * 1000) lock('hidden');
    return;
  }
  const most = shared && !vault.exposed ? sharedSeconds : idleSeconds;
  const left = most - Math.floor((Date.now() - lastTouch) / 1000);
  if (left <= 0) lock('idle');
  else secondsLeft = told && left <= warnSeconds ? left : null;
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
