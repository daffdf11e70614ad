// The page's side of the pixels worker.

import { Refusal } from '../worker/intents';
import address from './pixels.worker?worker&url';
import type { PixelsAnswer, PixelsAsk } from './pixels.worker';
import { startWorker } from './trusted';

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

export class Pixels {
  #worker: Worker | null = null;
  #next = 1;
  #waiting = new Map<number, (answer: PixelsAnswer) => void>();

  #start(): Worker {
    const worker = startWorker(address);
    worker.onmessage = ({ data }: MessageEvent<PixelsAnswer>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    };
    // A worker that died (a huge picture) fails what waited; the next ask starts anew.
    worker.onerror = () => this.stop();
    return worker;
  }

  /** Ends the worker, and with it every pixel it still held. */
  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const [id, settle] of this.#waiting) settle({ id, failed: true });
    this.#waiting.clear();
  }

  async #ask(what: Unnumbered<PixelsAsk>, transfer: Transferable[] = []): Promise<PixelsAnswer> {
    this.#worker ??= this.#start();
    const id = this.#next;
    this.#next += 1;
    const answer = await new Promise<PixelsAnswer>((settle) => {
      this.#waiting.set(id, settle);
      this.#worker?.postMessage({ ...what, id }, transfer);
    });
    if (answer.failed) throw new Refusal('file_unreadable');
    return answer;
  }

  /** Pixels of a picture; the bytes are transferred and gone from the page. */
  async draw(bytes: ArrayBuffer, longest: number): Promise<ImageBitmap> {
    const { bitmap } = await this.#ask({ what: 'draw', bytes, longest }, [bytes]);
    if (!bitmap) throw new Refusal('file_unreadable');
    return bitmap;
  }

  /** A small JPEG of a picture, to be its preview. */
  async shrink(file: Blob): Promise<Blob> {
    const small = await this.#ask({ what: 'shrink', file, longest: 320, bytesAtMost: 30_000 });
    if (!small.file) throw new Refusal('file_unreadable');
    return small.file;
  }

  /** The same picture as a JPEG, for formats that only some browsers read. */
  async convert(file: Blob): Promise<Blob> {
    const converted = await this.#ask({ what: 'convert', file });
    if (!converted.file) throw new Refusal('file_unreadable');
    return converted.file;
  }
}

/** For previews; a paper that is looked at has one of its own, ended on leaving. */
export const pixels = new Pixels();
