// Builds `tests/parts` beside the results of journeys, as the page is built.

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const web = fileURLToPath(new URL('../../', import.meta.url));

export default defineConfig({
  root: `${web}tests/parts`,
  base: '/parts/',
  logLevel: 'error',
  plugins: [svelte({ configFile: `${web}svelte.config.js` })],
  build: { target: 'es2022', outDir: `${web}test-results/parts`, emptyOutDir: true, assetsInlineLimit: 0 },
  worker: { format: 'es' },
});
