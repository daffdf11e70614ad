// Everything of a safe as one zip, in open formats: the documents as they are, and a list that any
// spreadsheet reads.

import { Zip, ZipPassThrough } from 'fflate';
import type { DocumentView } from './intents';

const endings: Record<string, string> = {
  'image/jpeg': '.jpg', 'image/png': '.png', 'image/webp': '.webp', 'application/pdf': '.pdf',
};

/** A zip holds times of 1980 to 2099; a phone whose clock has stopped says 1970. */
const [earliest, latest] = [Date.UTC(1980, 0, 2) / 1000, Date.UTC(2099, 11, 30) / 1000];

/** A file name that every system takes, and that stands once in the zip. */
function nameOf(paper: DocumentView, taken: Set<string>): string {
  const ending = endings[paper.mediaType] ?? '';
  const plain = paper.title.normalize('NFC').replace(/[\\/:*?"<>|\p{Cc}\p{Cf}]/gu, ' ').trim().slice(0, 100) || 'document';
  const base = ending && plain.toLowerCase().endsWith(ending) ? plain.slice(0, -ending.length) : plain;
  for (let count = 1; ; count += 1) {
    const name = `${base}${count > 1 ? ` (${count})` : ''}${ending}`;
    if (!taken.has(name.toLowerCase())) {
      taken.add(name.toLowerCase());
      return name;
    }
  }
}

/** A value of a comma-separated list (RFC 4180); one that a spreadsheet would compute is made text. */
function cell(value: string | number): string {
  const text = String(value);
  return `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

export async function zipOf(
  papers: DocumentView[], read: (paper: DocumentView) => Promise<Uint8Array | null>,
): Promise<Blob> {
  const zip = new Zip();
  const parts: BlobPart[] = [];
  const finished = new Promise<void>((settle, fail) => {
    zip.ondata = (error, bytes, final) => {
      if (error) fail(error);
      else parts.push(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      if (final) settle();
    };
  });
  const taken = new Set<string>(['papers.csv']);
  const lines = [['file', 'title', 'type', 'bytes', 'added'].map(cell).join(',')];
  const put = (name: string, bytes: Uint8Array, at: number): void => {
    const file = new ZipPassThrough(name);
    file.mtime = Math.min(Math.max(at, earliest), latest) * 1000;
    zip.add(file);
    file.push(bytes, true);
  };
  for (const paper of papers) {
    const bytes = await read(paper);
    const name = bytes ? nameOf(paper, taken) : '';
    if (bytes) put(name, bytes, paper.addedAt);
    const added = new Date(paper.addedAt * 1000).toISOString();
    lines.push([name, paper.title, paper.mediaType, paper.sizeBytes, added].map(cell).join(','));
  }
  put('papers.csv', new TextEncoder().encode(`\ufeff${lines.join('\r\n')}\r\n`), Date.now() / 1000);
  zip.end();
  await finished;
  return new Blob(parts, { type: 'application/zip' });
}
