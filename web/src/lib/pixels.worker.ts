// Turns bytes of pictures into pixels, and pixels into small JPEGs. Holds no key and keeps nothing:
// what a hostile picture could reach here is this worker alone.

export type PixelsAsk =
  | { id: number; what: 'draw'; bytes: ArrayBuffer; longest: number }
  | { id: number; what: 'shrink'; file: Blob; longest: number; bytesAtMost: number }
  | { id: number; what: 'convert'; file: Blob };

export type PixelsAnswer = { id: number; bitmap?: ImageBitmap; file?: Blob; failed?: true };

interface WorkerScope {
  onmessage: ((event: MessageEvent<PixelsAsk>) => void) | null;
  postMessage(answer: PixelsAnswer, transfer: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

async function decode(file: Blob, longest: number): Promise<ImageBitmap> {
  const whole = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const scale = longest / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const resizeWidth = Math.max(1, Math.round(whole.width * scale));
  const resizeHeight = Math.max(1, Math.round(whole.height * scale));
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: 'medium' });
  whole.close();
  return small;
}

async function jpeg(bitmap: ImageBitmap, bytesAtMost: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  for (const quality of [0.92, 0.8, 0.65, 0.5, 0.35, 0.2]) {
    const file = await canvas.convertToBlob({ type: 'image/jpeg', quality });
    if (file.size <= bytesAtMost) return file;
  }
  throw new Error('too large');
}

async function answer(ask: PixelsAsk): Promise<PixelsAnswer> {
  switch (ask.what) {
    case 'draw':
      return { id: ask.id, bitmap: await decode(new Blob([ask.bytes]), ask.longest) };
    case 'shrink':
      return { id: ask.id, file: await jpeg(await decode(ask.file, ask.longest), ask.bytesAtMost) };
    case 'convert':
      return { id: ask.id, file: await jpeg(await decode(ask.file, 8192), Infinity) };
  }
}

scope.onmessage = async ({ data }) => {
  const given = await answer(data).catch((): PixelsAnswer => ({ id: data.id, failed: true }));
  scope.postMessage(given, given.bitmap ? [given.bitmap] : []);
};
