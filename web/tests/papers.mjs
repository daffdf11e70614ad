// Papers to put into safes: real JPEGs of several megabytes and real PDFs, with canaries in what must
// not leave the device in the clear, and in what must not leave it at all.

import { randomBytes } from 'node:crypto';

/** A word that stands nowhere by chance. */
export function canary(name) {
  return `${name} ${randomBytes(9).toString('hex')}`;
}

/** The page of each browser that draws: opening one takes longer than drawing. */
const easels = new WeakMap();

/**
 * A photo as a phone makes it: noise, with one plain colour in the middle to know it by, the place
 * and the device in its EXIF, and bytes behind its end.
 *
 * @param {import('playwright-core').Browser} browser draws it
 * @param {{ colour: string, width?: number, height?: number }} options
 */
export async function photo(browser, { colour, width = 2400, height = 1800 }) {
  if (!easels.has(browser)) easels.set(browser, browser.newPage());
  const page = await easels.get(browser);
  const drawn = await page.evaluate(drawNoise, { colour, width, height });
  const plain = Buffer.from(drawn, 'base64');
  const place = canary('Gare du Nord');
  const device = canary('Telephone');
  const trailing = canary('Behind the end');
  const bytes = Buffer.concat([
    plain.subarray(0, 2), exif(place, device), xmp(place), plain.subarray(2), Buffer.from(trailing),
  ]);
  return { bytes, place, device, trailing, content: plain.subarray(plain.length >> 1, (plain.length >> 1) + 32) };
}

/* c8 ignore next: runs in the browser */
async function drawNoise({ colour, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < words.length; at += 16_384) {
    crypto.getRandomValues(words.subarray(at, Math.min(at + 16_384, words.length)));
  }
  for (let at = 3; at < pixels.data.length; at += 4) pixels.data[at] = 255;
  context.putImageData(pixels, 0, 0);
  context.fillStyle = colour;
  context.fillRect(width / 4, height / 4, width / 2, height / 2);
  const file = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
  const reader = new FileReader();
  reader.readAsDataURL(file);
  await new Promise((settle) => { reader.onload = settle; });
  return reader.result.slice(reader.result.indexOf(',') + 1);
}

function segment(marker, content) {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function xmp(place) {
  const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><Iptc4xmpCore:Location>${place}</Iptc4xmpCore:Location></x:xmpmeta>`;
  return segment(0xe1, Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0'), Buffer.from(packet)]));
}

/** Make and orientation, and a GPS directory with latitude, longitude and the name of the area. */
function exif(place, device) {
  const rational = (...pairs) => {
    const bytes = Buffer.alloc(pairs.length * 8);
    pairs.forEach(([top, bottom], at) => {
      bytes.writeUInt32BE(top, at * 8);
      bytes.writeUInt32BE(bottom, at * 8 + 4);
    });
    return bytes;
  };
  const ascii = (text) => Buffer.from(`${text}\0`);
  const pointer = Symbol('to the GPS directory');
  const main = [
    [0x010f, 2, ascii(device)], [0x0110, 2, ascii(device)], [0x8825, 4, pointer],
  ];
  const gps = [
    [0x0001, 2, ascii('N')], [0x0002, 5, rational([48, 1], [52, 1], [5012, 100])],
    [0x0003, 2, ascii('E')], [0x0004, 5, rational([2, 1], [21, 1], [1808, 100])],
    [0x001c, 7, Buffer.concat([Buffer.from('ASCII\0\0\0'), Buffer.from(place)])],
  ];
  const unit = { 2: 1, 4: 4, 5: 8, 7: 1 };
  const directory = (entries, start, target) => {
    const head = Buffer.alloc(2 + entries.length * 12 + 4);
    head.writeUInt16BE(entries.length, 0);
    let data = Buffer.alloc(0);
    entries.forEach(([tag, type, value], at) => {
      const entry = 2 + at * 12;
      const bytes = value === pointer ? Buffer.alloc(4) : value;
      if (value === pointer) bytes.writeUInt32BE(target);
      head.writeUInt16BE(tag, entry);
      head.writeUInt16BE(type, entry + 2);
      head.writeUInt32BE(bytes.length / unit[type], entry + 4);
      if (bytes.length <= 4) {
        bytes.copy(head, entry + 8);
      } else {
        head.writeUInt32BE(start + head.length + data.length, entry + 8);
        data = Buffer.concat([data, bytes, Buffer.alloc(bytes.length % 2)]);
      }
    });
    return Buffer.concat([head, data]);
  };
  const second = 8 + directory(main, 8, 0).length;
  const tiff = Buffer.concat([
    Buffer.from('MM\0*\0\0\0\x08', 'latin1'), directory(main, 8, second), directory(gps, second, 0),
  ]);
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), tiff]));
}

/** A PDF of two pages with `text` on each, and a thick bar to see; `more` stands in its catalog. */
export function pdf(text, more = '') {
  const drawing = (page) =>
    `0.1 0.3 0.6 rg 60 300 480 120 re f 0 g BT /F1 18 Tf 60 700 Td (${text}) Tj 0 -40 Td (page ${page}) Tj ET`;
  const stream = (content) => `<< /Length ${content.length} >>\nstream\n${content}\nendstream`;
  const page = (contents) =>
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 7 0 R >> >> /Contents ${contents} 0 R >>`;
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R ${more} >>`,
    '<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>',
    page(5), page(6), stream(drawing(1)), stream(drawing(2)),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let file = '%PDF-1.7\n';
  const offsets = objects.map((content, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${content}\nendobj\n`;
    return offset;
  });
  const start = file.length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}
