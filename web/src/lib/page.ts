// What both pages do to start: words first, then the client, then the screens.

import { mount, type ComponentProps } from 'svelte';
import '../app.css';
import App from './components/App.svelte';
import { startExitKey } from './exit';
import { startQuiet } from './quiet.svelte';
import { startRouter } from './router.svelte';
import { startWords } from './words.svelte';

export async function startPage(props: ComponentProps<typeof App>, connectClient: () => Promise<void>): Promise<void> {
  startRouter();
  startExitKey();
  startQuiet();
  // The screens appear once both are there: the words, and whether this browser can keep a safe.
  await Promise.all([startWords(), connectClient()]);
  mount(App, { target: document.body, props });
}
