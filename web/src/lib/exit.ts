// The quick exit: empties the page at once, then shows a neutral site in its place. The browser's own
// history cannot be erased by a page; the screens say so.

import { startAnew } from './anew';
import { kiosk } from './router.svelte';
import { vault } from './vault.svelte';

const neutralAddress = 'https://www.meteofrance.com/';
const shiftsWithin = 1500;

export function leaveQuickly(): void {
  vault.vanish();
  // A computer that shows this page all day says nothing by its first screen, and needs it.
  if (kiosk) return startAnew();
  document.body.replaceChildren();
  document.title = '…';
  location.replace(neutralAddress);
}

/** Three times Shift leaves too. */
export function startExitKey(): void {
  let presses: number[] = [];
  addEventListener('keydown', (event) => {
    if (event.key !== 'Shift') {
      presses = [];
      return;
    }
    if (event.repeat) return;
    presses = [...presses, event.timeStamp].filter((at) => event.timeStamp - at < shiftsWithin);
    if (presses.length >= 3) leaveQuickly();
  });
  // A page that comes back whole from the browser's cache starts afresh, without keys.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}
