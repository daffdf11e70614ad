// What a chosen file is, by its first bytes and not by its name, and how it is prepared to be kept:
// a preview, a page count, a format that everybody can open. Place and device data are removed later,
// before sealing, by the worker that holds the keys.

import { Refusal, type DocumentKind, type NewDocument } from '../worker/intents';
import { pixels } from './pixels';

interface Sniffed {
  kind: DocumentKind;
  mediaType: string;
  /** Only some browsers read it: keep a JPEG instead. */
  rare?: true;
}

const rareBrands = ['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1', 'avif', 'avis'];

function sniff(head: Uint8Array): Sniffed {
  const text = String.fromCharCode(...head);
  if (text.startsWith('\xff\xd8\xff')) return { kind: 'photo', mediaType: 'image/jpeg' };
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return { kind: 'photo', mediaType: 'image/png' };
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return { kind: 'photo', mediaType: 'image/webp' };
  if (text.includes('%PDF-')) return { kind: 'pdf', mediaType: 'application/pdf' };
  const rare = text.startsWith('GIF8') || text.startsWith('BM')
    || (text.slice(4, 8) === 'ftyp' && rareBrands.includes(text.slice(8, 12)));
  if (rare) return { kind: 'photo', mediaType: 'image/jpeg', rare: true };
  return { kind: 'other', mediaType: 'application/octet-stream' };
}

/** The file's name without its ending; empty when a camera gave it. */
function titleFrom(name: string): string {
  const title = name.replace(/\.[a-z0-9]{1,5}$/i, '').replace(/[_]+/g, ' ').trim();
  return /^(img|image|dsc|pxl|photo|screenshot|scan|document)?[\s\d()._-]*$/i.test(title) ? '' : title.slice(0, 80);
}

/** Refuses what is too large or cannot be read, before anything is sent. */
export async function describe(file: File, limitBytes: number): Promise<NewDocument> {
  if (file.size > limitBytes) throw new Refusal('file_too_large', undefined, { limit: limitBytes });
  const head = await file.slice(0, 64).arrayBuffer().catch(() => {
    throw new Refusal('file_unreadable');
  });
  if (head.byteLength === 0) throw new Refusal('file_unreadable');
  const { kind, mediaType, rare } = sniff(new Uint8Array(head));
  const title = titleFrom(file.name);
  if (kind === 'photo') {
    const kept = rare ? await pixels.convert(file) : file;
    return { file: kept, title, kind, mediaType, pageCount: 1, thumbnail: await pixels.shrink(kept) };
  }
  if (kind === 'pdf') return { file, title, kind, mediaType, ...(await describePdf(file)) };
  // Its name keeps the ending: that is all that tells what it is, once it is downloaded again.
  return { file, title: file.name.slice(0, 80), kind, mediaType: file.type || mediaType, pageCount: 1 };
}

async function describePdf(file: File): Promise<{ pageCount: number; thumbnail?: Blob }> {
  const { pdfPreview } = await import('./pdf');
  try {
    const { pageCount, preview } = await pdfPreview(file);
    return preview ? { pageCount, thumbnail: await pixels.shrink(preview) } : { pageCount };
  } catch (thrown) {
    // A paper behind a password of its own is kept as it is, without a preview.
    if ((thrown as Refusal).code === 'pdf_has_password') return { pageCount: 1 };
    throw thrown;
  }
}

const endings: Record<string, string> = {
  'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'application/pdf': 'pdf', 'application/zip': 'zip',
};

/** A title as a file's name, with the ending of its kind. */
export function fileName(title: string, mediaType: string): string {
  const plain = title.replace(/[\\/:*?"<>|\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').trim() || 'document';
  const ending = endings[mediaType];
  return ending === undefined || plain.toLowerCase().endsWith(`.${ending}`) ? plain : `${plain}.${ending}`;
}

/** Hands bytes to the device's own downloads; what is not known to be still is typed as plain bytes. */
export function download(bytes: BlobPart, title: string, mediaType: string): void {
  const type = mediaType in endings ? mediaType : 'application/octet-stream';
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(title, mediaType);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
