// What only the screens about ways in say.

import { alsoSay } from '../../lib/words.svelte';

void alsoSay({
  fr: () => import('../../../messages/ways.fr.ftl?raw'),
  en: () => import('../../../messages/ways.en.ftl?raw'),
  ar: () => import('../../../messages/ways.ar.ftl?raw'),
});
