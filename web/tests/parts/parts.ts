// Parts of the page, each alone: for journeys that look at one of them. No visitor is given this page.

import { mount } from 'svelte';
import '../../src/app.css';
import { startWords } from '../../src/lib/words.svelte';
import Parts from './Parts.svelte';

void startWords().then(() => mount(Parts, { target: document.body }));
