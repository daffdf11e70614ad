// What comes out of a printer: Chromium prints, and the reader of PDFs that the page itself uses says what
// is on the paper.

import { fileURLToPath } from 'node:url';

const reader = new URL('../node_modules/pdfjs-dist/legacy/build/', import.meta.url);

/**
 * Prints what a page shows, as a browser that adds its own line wherever there is room for one.
 *
 * @param {import('playwright-core').Browser} browser reads what was printed
 * @param {import('playwright-core').Page} page
 * @returns its text without spaces, its title, and its first page as a PNG, `dpi` dots an inch
 */
export async function printed(browser, page, dpi = 72) {
  const bytes = await page.pdf({ displayHeaderFooter: true, preferCSSPageSize: true });
  const desk = await browser.newPage();
  await desk.route('http://paper.test/**', (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === '') return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>paper</title>' });
    return route.fulfill({ path: fileURLToPath(new URL(name, reader)), contentType: 'text/javascript' });
  });
  await desk.goto('http://paper.test/');
  const { text, title, picture } = await desk.evaluate(readPdf, { bytes: bytes.toString('base64'), scale: dpi / 72 });
  await desk.close();
  return { text, title, picture: Buffer.from(picture, 'base64') };
}

/* c8 ignore next: runs in the browser */
async function readPdf({ bytes, scale }) {
  const { getDocument, GlobalWorkerOptions } = await import('/pdf.mjs');
  GlobalWorkerOptions.workerSrc = '/pdf.worker.mjs';
  const pdf = await getDocument({ data: Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)) }).promise;
  let text = '';
  for (let number = 1; number <= pdf.numPages; number += 1) {
    const { items } = await (await pdf.getPage(number)).getTextContent();
    text += items.map(({ str }) => str).join('').replaceAll(/\s/g, '');
  }
  const canvas = document.createElement('canvas');
  const page = await pdf.getPage(1);
  const viewport = page.getViewport({ scale });
  [canvas.width, canvas.height] = [viewport.width, viewport.height];
  await page.render({ canvas, viewport }).promise;
  const { info } = await pdf.getMetadata();
  return { text, title: info.Title ?? '', picture: canvas.toDataURL('image/png').split(',')[1] };
}
