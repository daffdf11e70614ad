// The page's one Trusted Types policy. It makes script addresses only, and only of our own origin:
// every worker of the page, the client's included, is started through it.
//
// Invariant: no `createHTML`, no `createScript`; text never becomes markup or code.

interface ScriptPolicy {
  createScriptURL(address: string): string;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): ScriptPolicy;
}

function ownAddress(address: string): string {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new TypeError('a script of another origin');
  return url.href;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy: ScriptPolicy = factory?.createPolicy('app', { createScriptURL: ownAddress })
  ?? { createScriptURL: ownAddress };

/** Starts a module worker from an address that the build gave (`?worker&url`). */
export function startWorker(address: string): Worker {
  return new Worker(policy.createScriptURL(address), { type: 'module' });
}
