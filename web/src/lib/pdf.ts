// PDF pages as pixels. Loaded only when a PDF is there. The paper is parsed in a worker of its own
// that holds no key; its scripts never run, what was written into its forms is pixels like the rest, its
// fonts stay paths.

import { AnnotationMode, fetchData, getDocument, PDFWorker } from 'pdfjs-dist/legacy/build/pdf.mjs';
import parserAddress from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?worker&url';
import { Refusal } from '../worker/intents';
import { startWorker } from './trusted';

const parts: Record<string, string> = {
  ...import.meta.glob<string>('/node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}', { query: '?url', import: 'default', eager: true }),
  ...import.meta.glob<string>('/node_modules/pdfjs-dist/wasm/{jbig2,openjpeg,qcms_bg}.wasm', { query: '?url', import: 'default', eager: true }),
};

/** Gives the reader its fonts and decoders from this page's own files. */
class OwnParts {
  async fetch({ filename }: { kind: string; filename: string }): Promise<Uint8Array> {
    const path = Object.keys(parts).find((key) => key.endsWith(`/${filename}`));
    if (path === undefined) throw new Error('not a part of ours');
    return (await fetchData(parts[path] as string, 'bytes')) as Uint8Array;
  }
}

export interface Pdf {
  pageCount: number;
  /** Draws a page onto a canvas, `width` pixels wide. */
  draw(page: number, canvas: HTMLCanvasElement, width: number): Promise<void>;
  close(): void;
}

/** Opens a PDF; the bytes are transferred to its worker and gone from the page. */
export async function openPdf(bytes: ArrayBuffer): Promise<Pdf> {
  const port = startWorker(parserAddress);
  const worker = new PDFWorker({ port: port as unknown as null });
  const task = getDocument({
    data: bytes,
    worker,
    BinaryDataFactory: OwnParts,
    disableFontFace: true,
    useSystemFonts: false,
    useWorkerFetch: false,
    enableXfa: false,
    isEvalSupported: false,
    verbosity: 0,
  } as Parameters<typeof getDocument>[0]);
  const close = (): void => {
    void task.destroy().finally(() => port.terminate());
  };
  try {
    const pdf = await task.promise;
    return { pageCount: pdf.numPages, draw: (page, canvas, width) => drawPage(pdf, page, canvas, width), close };
  } catch (thrown) {
    close();
    throw new Refusal((thrown as Error).name === 'PasswordException' ? 'pdf_has_password' : 'file_unreadable');
  }
}

type Loaded = Awaited<ReturnType<typeof getDocument>['promise']>;

async function drawPage(pdf: Loaded, number: number, canvas: HTMLCanvasElement, width: number): Promise<void> {
  const page = await pdf.getPage(number);
  const natural = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: width / natural.width });
  canvas.width = Math.floor(viewport.width);
  canvas.height = Math.floor(viewport.height);
  await page.render({ canvas, viewport, annotationMode: AnnotationMode.ENABLE }).promise;
  page.cleanup();
}

/** The first page, small, to be the paper's preview. */
export async function pdfPreview(file: Blob): Promise<{ pageCount: number; preview: Blob | null }> {
  const pdf = await openPdf(await file.arrayBuffer());
  try {
    const canvas = document.createElement('canvas');
    await pdf.draw(1, canvas, 320);
    return { pageCount: pdf.pageCount, preview: await new Promise((settle) => canvas.toBlob(settle, 'image/png')) };
  } finally {
    pdf.close();
  }
}
