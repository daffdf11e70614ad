// Which screen is shown, kept in the address after `#/`: a name and at most one id. Ids say nothing
// to who does not hold the keys.
//
// Invariant: no secret is ever written into the address. The invitation's fragment is the one that
// arrives there; `takeFragment` reads it once and removes it from the address bar and the history.
//
// On a shared computer the address names no screen at all: where one is and was stays in this page's
// memory, and the browser's history holds the bare address.

export interface Place {
  name: string;
  id: string;
}

function read(hash = location.hash): Place {
  const [name = '', id = ''] = hash.replace(/^#\/?/, '').split('/');
  return { name, id: decodeURIComponent(id) };
}

const door: Place = { name: '', id: '' };

/** A computer that is everybody's for good starts at `/?kiosk`, which is all that says so. */
export const kiosk = new URLSearchParams(location.search).has('kiosk');
const bare = location.pathname + (kiosk ? '?kiosk' : '');

let place = $state.raw<Place>(door);
let hidden = false;
/** Where one was before, on a shared computer. */
let past: Place[] = [];

export function takeFragment(name: string): string | null {
  const start = `#${name}=`;
  if (!location.hash.startsWith(start)) return null;
  const fragment = location.hash.slice(start.length);
  history.replaceState(null, '', location.pathname + location.search);
  return fragment;
}

function show(next: Place): void {
  place = next;
  scrollTo(0, 0);
}

/** Goes on without a word in the address; the browser's "back" still leads to the screen before. */
function goHidden(next: Place): void {
  past.push(place);
  // One entry to come back to is enough, whatever was shown.
  if (history.state === null) history.pushState('inside', '', bare);
  show(next);
}

function goneBack(): void {
  // From where `?lang` was kept in the address to where it was not: then no hash is said to have changed.
  if (!hidden) return show(read());
  if (location.hash !== '') return;
  const before = past.pop();
  if (!before) return;
  if (past.length > 0) history.pushState('inside', '', bare);
  show(before);
}

function hashChanged(): void {
  const next = read();
  if (!hidden) return show(next);
  if (location.hash === '') return;
  history.replaceState(history.state, '', bare);
  goHidden(next);
}

/** A link to a screen would write it into the address. */
function followed(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a[href^="#/"]');
  if (!hidden || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  goHidden(read(link.getAttribute('href') ?? ''));
}

/** From now on no address names a screen, nor the language. */
export function hideAddresses(): void {
  hidden = true;
  history.replaceState(null, '', bare);
}

export function startRouter(): void {
  if (kiosk) hideAddresses();
  else place = read();
  addEventListener('popstate', goneBack);
  addEventListener('hashchange', hashChanged);
  addEventListener('click', followed);
}

export const router = {
  get place(): Place {
    return place;
  },
};

function address(name: string, id = ''): string {
  return `#/${name}${id === '' ? '' : `/${encodeURIComponent(id)}`}`;
}

export { address };

export function go(name: string, id = ''): void {
  if (hidden) goHidden({ name, id });
  else location.hash = address(name, id);
}

/** Shows another screen without leaving the present one in the history. */
export function replace(name: string, id = ''): void {
  if (!hidden) history.replaceState(null, '', address(name, id));
  show({ name, id });
}
