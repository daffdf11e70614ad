// Which screen is shown, kept in the address after `#/`: a name and at most one id. Ids say nothing
// to who does not hold the keys.
//
// Invariant: no secret is ever written into the address. The invitation's fragment is the one that
// arrives there; `takeFragment` reads it once and removes it from the address bar and the history.

export interface Place {
  name: string;
  id: string;
}

function read(): Place {
  const [name = '', id = ''] = location.hash.replace(/^#\/?/, '').split('/');
  return { name, id: decodeURIComponent(id) };
}

let place = $state.raw<Place>({ name: '', id: '' });

export function takeFragment(name: string): string | null {
  const start = `#${name}=`;
  if (!location.hash.startsWith(start)) return null;
  const fragment = location.hash.slice(start.length);
  history.replaceState(null, '', location.pathname + location.search);
  return fragment;
}

export function startRouter(): void {
  place = read();
  addEventListener('hashchange', () => {
    place = read();
    scrollTo(0, 0);
  });
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
  location.hash = address(name, id);
}

/** Shows another screen without leaving the present one in the history. */
export function replace(name: string, id = ''): void {
  history.replaceState(null, '', address(name, id));
  place = read();
  scrollTo(0, 0);
}
