// The page's side of the client's worker: intents go over, answers come back. Locking ends the worker,
// and with it every key.

import { startWorker } from '../lib/trusted';
import { Refusal, type Desk, type NewDocument, type Progress, type Safe } from './intents';
import type { Asked, Told } from './vault.worker';

interface Waiting {
  settle: (answer: never) => void;
  fail: (refusal: Refusal) => void;
  progress: Progress | undefined;
}

/** What this browser lacks, as codes. */
async function missing(): Promise<string[]> {
  const lacking: string[] = [];
  if (!isSecureContext) lacking.push('secure_context');
  if (typeof crypto.subtle === 'undefined') lacking.push('crypto');
  if (typeof WebAssembly === 'undefined') lacking.push('wasm');
  if (typeof Worker === 'undefined') lacking.push('worker');
  return lacking;
}

export function connectTo(address: string): { safe: Safe; desk: Desk } {
  let worker: Worker | null = null;
  let next = 1;
  /** Whether it ever answered: then what ends it is a fault of ours, not the browser's. */
  let works = false;
  const waiting = new Map<number, Waiting>();

  function stop(code: string): void {
    worker?.terminate();
    worker = null;
    for (const { fail } of waiting.values()) fail(new Refusal(code));
    waiting.clear();
  }

  function start(): Worker {
    const started = startWorker(address);
    started.onmessage = ({ data }: MessageEvent<Told>) => {
      works = true;
      const waits = waiting.get(data.id);
      if (!waits) return;
      if ('done' in data) {
        waits.progress?.(data.done, data.total);
        return;
      }
      waiting.delete(data.id);
      if ('answer' in data) waits.settle(data.answer as never);
      else waits.fail(new Refusal(data.refusal.code, data.refusal.retryAfter, data.refusal.detail));
    };
    started.onerror = () => stop(works ? 'internal' : 'unsupported_browser');
    return started;
  }

  function ask(intent: string, args: unknown[]): Promise<never> {
    const id = next;
    next += 1;
    const place = args.findIndex((argument) => typeof argument === 'function');
    const progress = place < 0 ? undefined : (args[place] as Progress);
    const signal = args.find((argument) => argument instanceof AbortSignal);
    const asked: Asked = {
      id, intent, progress: place, abort: args.findIndex((argument) => argument instanceof AbortSignal),
      args: args.map((argument) => (typeof argument === 'function' || argument instanceof AbortSignal ? null : argument)),
    };
    return new Promise<never>((settle, fail) => {
      waiting.set(id, { settle, fail, progress });
      worker ??= start();
      worker.postMessage(asked);
      signal?.addEventListener('abort', () => worker?.postMessage({ id, stop: true }));
    });
  }

  const lock = async (): Promise<void> => stop('session_ended');
  /** A worker cannot ask the browser to keep what is stored when space runs short: the page does. */
  const draft = async (document: NewDocument): Promise<string | null> => {
    const id: string | null = await ask('draft', [document]);
    if (id !== null) void navigator.storage.persist().catch(() => false);
    return id;
  };

  const answers = new Proxy({ missing, lock, draft } as Record<string, unknown>, {
    get: (own, intent: string) => own[intent] ?? ((...args: unknown[]) => ask(intent, args)),
  });
  return { safe: answers as unknown as Safe, desk: answers as unknown as Desk };
}
