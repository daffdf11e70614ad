// Thirty-two drawings that people tell their cards and devices apart by, in black strokes on a grid of 32.
// A number stands for each, for good: what is new goes to the end. Their names are loaded with them.

import { alsoSay } from './words.svelte';

interface Drawing {
  name: string;
  path: string;
}

export const pictures: readonly Drawing[] = [
  { name: 'umbrella', path: 'M16 3v3M3 18a13 12 0 0 1 26 0zM16 18v8a3 3 0 0 0 6 0' },
  { name: 'bird', path: 'M6 12l-4 1 4 3c0 7 4 9 9 9 8 0 13-6 15-14-6 2-9 1-12-2-3-5-11-3-12 3zM11 11h.1M13 25v4M18 24v5' },
  { name: 'boat', path: 'M16 3v19M16 4l11 15H16zM13 9L6 19h7zM3 23h26l-4 6H7z' },
  { name: 'tree', path: 'M16 3a7 7 0 0 1 7 9 6 6 0 0 1-2 11H11A6 6 0 0 1 9 12a7 7 0 0 1 7-9zM16 15v14M11 29h10' },
  { name: 'sun', path: 'M16 10a6 6 0 1 0 .1 0zM16 2v4M16 26v4M2 16h4M26 16h4M6 6l3 3M23 23l3 3M26 6l-3 3M9 23l-3 3' },
  { name: 'cloud', path: 'M9 25a6 6 0 0 1 0-12 8 8 0 0 1 15-1 6.5 6.5 0 0 1-1 13z' },
  { name: 'fish', path: 'M3 16c5-9 14-9 19 0-5 9-14 9-19 0zM22 16l7-6v12zM9 14h.1' },
  { name: 'cup', path: 'M5 11h17v10a6 6 0 0 1-6 6h-5a6 6 0 0 1-6-6zM22 13h2a4 4 0 0 1 0 8h-2M10 3c-2 2 2 3 0 5M16 3c-2 2 2 3 0 5' },
  { name: 'tulip', path: 'M9 5l4 4 3-5 3 5 4-4v7a7 7 0 0 1-14 0zM16 19v11M16 29c-6 0-9-3-9-8 6 0 9 3 9 8zM16 29c6 0 9-3 9-8-6 0-9 3-9 8z' },
  { name: 'bicycle', path: 'M8 16a6 6 0 1 0 .1 0zM24 16a6 6 0 1 0 .1 0zM8 22l5-10h7l4 10M16 22l-4-11M8 22h8l5-9M19 8h4M9 9h5' },
  { name: 'apple', path: 'M16 11c-4-3-11-2-11 6 0 7 5 12 8 12 1 0 2-1 3-1s2 1 3 1c3 0 8-5 8-12 0-8-7-9-11-6zM16 11c0-3 1-5 3-7M20 6c3-2 5-1 7 1-3 2-5 1-7-1z' },
  { name: 'cat', path: 'M6 4l6 5h8l6-5v14a10 10 0 0 1-20 0zM12 15h.1M20 15h.1M14 20l2 1.5 2-1.5M2 18l5 1M2 23l5-1M30 18l-5 1M30 23l-5-1' },
  { name: 'snail', path: 'M2 28h27c0-2-2-3-4-3M9 27c-5-1-4-7-5-11M4 16L2 11M4 16l4-4M19 7a10 10 0 1 0 .1 0zM24 18a5 5 0 1 0-5 5' },
  { name: 'butterfly', path: 'M16 10v16M16 13C14 4 3 3 3 10c0 5 7 8 13 7 6 1 13-2 13-7 0-7-11-6-13 3zM16 17c-7 0-10 4-9 8 1 4 8 3 9-4 1 7 8 8 9 4 1-4-2-8-9-8zM16 10l-4-6M16 10l4-6' },
  { name: 'bus', path: 'M5 5h22v20H5zM5 15h22M12 5v10M20 5v10M8 25a2.5 2.5 0 0 0 5 0M19 25a2.5 2.5 0 0 0 5 0M2 10v4M30 10v4' },
  { name: 'ball', path: 'M16 3a13 13 0 1 0 .1 0zM16 11l5 4-2 6h-6l-2-6zM16 3v8M21 15l7-2M19 21l5 6M13 21l-5 6M11 15l-7-2' },
  { name: 'bulb', path: 'M11 22c-3-2-5-5-5-8a10 10 0 0 1 20 0c0 3-2 6-5 8v3H11zM12 29h8M13 15l3 3 3-3M16 18v7' },
  { name: 'chair', path: 'M8 3v26M8 19h16v10M8 24h16M8 4c3 0 4 1 4 4v11' },
  { name: 'glasses', path: 'M3 17l4-10M29 17L25 7M8 13a5 5 0 1 0 .1 0zM24 13a5 5 0 1 0 .1 0zM13 17a3 3 0 0 1 6 0' },
  { name: 'hat', path: 'M2 25h28M8 25V12c0-4 3-6 5-4 2 1 4 1 6 0 2-2 5 0 5 4v13M8 20h16' },
  { name: 'kite', path: 'M18 2l10 10-10 11L8 12zM18 2v21M8 12h20M18 23c0 4-4 1-5 4s-4 3-7 2' },
  { name: 'boot', path: 'M9 4h10v12l6 4c2 1 3 3 3 5v4H9zM9 24h19M15 9h4M15 14h4' },
  { name: 'shirt', path: 'M11 4l-9 6 4 6 4-2v15h12V14l4 2 4-6-9-6a5 5 0 0 1-10 0z' },
  { name: 'leaf', path: 'M7 25C3 12 12 4 29 3c0 17-8 26-22 22zM3 30c2-9 8-15 17-19M13 17v5M13 17h7' },
  { name: 'mushroom', path: 'M3 18a13 13 0 0 1 26 0zM12 18v7a4 4 0 0 0 8 0v-7M10 13h.1M17 10h.1M22 13h.1' },
  { name: 'carrot', path: 'M21 11c3 3 3 6 0 9L5 29c-1 1-2-1-2-2l9-16c3-3 6-3 9 0zM21 11l1-8M21 11l8-1M21 11l6-6M11 14l3 3M8 20l3 3' },
  { name: 'cherries', path: 'M9 18a5.5 5.5 0 1 0 .1 0zM23 18a5.5 5.5 0 1 0 .1 0zM9 18c1-6 5-11 12-14M23 18c1-5 0-10-2-14M21 4c3-2 6-1 8 2-3 2-6 1-8-2z' },
  { name: 'mountain', path: 'M2 27L13 7l7 12 3-5 7 13zM9 15l4 3 4-4' },
  { name: 'drop', path: 'M16 3c6 8 9 12 9 16a9 9 0 0 1-18 0c0-4 3-8 9-16zM11 20a5 5 0 0 0 5 5' },
  { name: 'balloon', path: 'M16 2c5 0 9 4 9 9s-5 11-9 11-9-6-9-11 4-9 9-9zM16 22l-3 3h6zM16 25c-4 2 3 3 0 6M11 10a5 5 0 0 1 4-4' },
  { name: 'guitar', path: 'M20 12l8-9M20 12c2 2 2 5-1 7-2 1-1 5-4 8-3 2-7 2-9 0s-2-6 0-9c3-3 6-2 7-4 2-3 5-4 7-2zM12 19a2 2 0 1 0 .1 0zM25 2l5 4' },
  { name: 'ladder', path: 'M10 2v28M22 2v28M10 7h12M10 13h12M10 19h12M10 25h12' },
];

void alsoSay({
  fr: () => import('../../messages/pictures.fr.ftl?raw'),
  en: () => import('../../messages/pictures.en.ftl?raw'),
  ar: () => import('../../messages/pictures.ar.ftl?raw'),
});
