// What both pages do to start: words first, then the client, then the screens.

import { mount, type ComponentProps } from 'svelte';
import '../app.css';
import App from './components/App.svelte';
import { startExitKey } from './exit';
import { startQuiet } from './quiet.svelte';
import { startRouter } from './router.svelte';
import { asRefusal, vault } from './vault.svelte';
import { startWords, t } from './words.svelte';

export async function startPage(
  props: Omit<ComponentProps<typeof App>, 'knownHere'>,
  connectClient: () => Promise<void>,
): Promise<void> {
  startRouter();
  startExitKey();
  startQuiet();
  // What is printed names no service, nor does the file that a browser makes of it.
  addEventListener('beforeprint', () => (document.title = '…'));
  addEventListener('afterprint', () => (document.title = t('page-title')));
  const connected = connectClient().catch((thrown: unknown) => {
    vault.broken = asRefusal(thrown);
  });
  // The first screen waits a moment for what this device keeps, never for a slow network.
  await Promise.all([startWords(), Promise.race([connected, new Promise((settle) => setTimeout(settle, 400))])]);
  document.body.replaceChildren();
  mount(App, { target: document.body, props: { ...props, knownHere: vault.keptHandle !== null || vault.remembersHere } });
}
