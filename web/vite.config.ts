// Two pages: the owner's, which never reaches MLS, and the structures'. Nothing is inlined, so that
// the page lives under a policy that allows no inline script and no inline style.

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { precompress } from './build/precompress.mjs';

/** The two clients have the same file name: their folder tells them apart. */
function assetFileNames({ originalFileNames }: { originalFileNames: string[] }): string {
  const flavour = /src\/wasm\/(\w+)\//.exec(originalFileNames[0] ?? '')?.[1];
  return `assets/${flavour ?? '[name]'}-[hash][extname]`;
}

const output = { assetFileNames };

// Compressing takes most of the time, and that is known.
const checks = { pluginTimings: false };

export default defineConfig({
  plugins: [svelte(), precompress()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // `build/budget.mjs` weighs what a visit loads instead.
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ['index.html', 'structure.html'], output, checks },
  },
  worker: { format: 'es', rolldownOptions: { output } },
});
