// Parts of the page, each alone: for journeys that look at one of them. No visitor is given this page.

import { mount } from 'svelte';
import '../../src/app.css';
import { startWords, words } from '../../src/lib/words.svelte';
import Parts from './Parts.svelte';

Object.assign(globalThis, { words });
void startWords().then(() => mount(Parts, { target: document.body }));
