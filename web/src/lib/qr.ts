// Squares that cameras read: drawn as one SVG path, read by the browser where it can, else by `qr`.

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}
type DetectorClass = { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> };

/** The dark squares of `text` as an SVG path, and the side of its grid. */
export async function qrPath(text: string): Promise<{ path: string; side: number }> {
  const { default: encode } = await import('qr');
  const rows = encode(text, 'raw', { ecc: 'medium', border: 2 });
  const path = rows
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return { path, side: rows.length };
}

async function nativeDetector(): Promise<Detector | null> {
  const Native = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (!Native) return null;
  const formats = await Native.getSupportedFormats().catch((): string[] => []);
  return formats.includes('qr_code') ? new Native({ formats: ['qr_code'] }) : null;
}

export type Reader = (source: HTMLVideoElement | ImageBitmap) => Promise<string | null>;

/** Longest sides at which frames are read, in turn: what one is too fine or too coarse for, another reads, also of a
 *  picture that never moves. */
const sides = [1000, 1600, 720, 860, 560, 1180, 480];

/** A reader of frames: answers with what a QR holds, or null when it sees none. */
export async function qrReader(): Promise<Reader> {
  const native = await nativeDetector();
  if (native) return async (source) => (await native.detect(source))[0]?.rawValue ?? null;
  const { default: decode } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  let turn = 0;
  return async (source) => {
    const width = 'videoWidth' in source ? source.videoWidth : source.width;
    const height = 'videoHeight' in source ? source.videoHeight : source.height;
    const side = sides[turn % sides.length] as number;
    turn += 1;
    const scale = Math.min(1, side / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context || canvas.width === 0) return null;
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    try {
      return decode({ width: canvas.width, height: canvas.height, data }) ?? null;
    } catch {
      return null;
    }
  };
}
