// The only `fetch` of the page. What it carries is sealed or signed already.

export interface Answer {
  status: number;
  body: Uint8Array;
}

const patienceMilliseconds = 60_000;
/** The slowest network on which a part still arrives: eight kilobytes a second. */
const slowBytesPerMillisecond = 8;

function ask(method: string, token: string | undefined, body: BodyInit | undefined): RequestInit {
  const headers = new Headers();
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (typeof body === 'string') headers.set('content-type', 'application/json');
  else if (body !== undefined) headers.set('content-type', 'application/octet-stream');
  return {
    method,
    headers,
    body: body ?? null,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
  };
}

/** What is on its way, so that it can be given up. */
const underWay = new Map<AbortController, string>();

/** Gives up every call on its way whose path begins like this: no answer comes of them. */
export function hangUp(path: string): void {
  for (const [abort, of] of underWay) if (of.startsWith(path)) abort.abort();
}

/** Ships one call; throws only when no answer came. */
export async function ship(
  method: string, path: string, token: string | undefined, body: BodyInit | undefined,
): Promise<Answer> {
  const weight = body instanceof Uint8Array ? body.length / slowBytesPerMillisecond : 0;
  const abort = new AbortController();
  const late = setTimeout(() => abort.abort(), patienceMilliseconds + weight);
  underWay.set(abort, path);
  try {
    const response = await fetch(path, { ...ask(method, token, body), signal: abort.signal });
    return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
  } finally {
    clearTimeout(late);
    underWay.delete(abort);
  }
}

/** Fetches bulk bytes as they come, from one of them on; the caller checks the status. */
export function stream(path: string, token: string | undefined, from: number, signal: AbortSignal): Promise<Response> {
  const asked = ask('GET', token, undefined);
  if (from > 0) (asked.headers as Headers).set('range', `bytes=${from}-`);
  return fetch(path, { ...asked, signal });
}
