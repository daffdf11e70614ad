// What the camera of a journey sees: a picture on a grey table, held straight or not, sharp or not.

import { writeFileSync } from 'node:fs';

/**
 * From now on every camera that is opened sees this.
 *
 * @param {{ browser: import('playwright-core').Browser, camera: string }} stage
 * @param {Buffer} picture a PNG
 * @param {{ wide?: number, frame?: { width: number, height: number }, held?: string, seen?: string }} how
 *   `wide` is the picture's width in pixels of the frame; `held` a CSS transform, `seen` a CSS filter
 */
export async function film(stage, picture, { wide = 440, frame = { width: 640, height: 480 }, held = 'none', seen = 'none' } = {}) {
  const page = await stage.browser.newPage({ viewport: frame });
  await page.setContent(`<body style="margin:0;height:100vh;overflow:hidden;background:#999;filter:${seen}">
    <div style="display:grid;place-items:center;height:100%;background:#999;perspective:${2 * frame.width}px">
    <img style="width:${wide}px;transform:${held}" src="data:image/png;base64,${picture.toString('base64')}"></div>`);
  await page.locator('img').evaluate((image) => image.decode());
  const shot = await page.screenshot({ type: 'jpeg', quality: 80 });
  await page.close();
  writeFileSync(stage.camera, Buffer.concat(Array(30).fill(shot)));
  return shot;
}
