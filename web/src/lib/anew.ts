// Leaving a shared computer: the page is gone, and a new one starts at its very first screen.

import { evening } from './evening.svelte';
import { kiosk } from './router.svelte';

/** Leaves nothing of this page. On the way the server tells the browser to drop what this site keeps. */
export function startAnew(): void {
  document.body.replaceChildren();
  const first = [location.pathname.startsWith('/structure') ? 'structure' : '', kiosk ? 'kiosk' : ''];
  location.replace(`/leave?${first.filter((part) => part !== '').join('&')}${evening.fragment}`);
}
