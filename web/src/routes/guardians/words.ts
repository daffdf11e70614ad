// What only the screens about guardians say.

import { alsoSay } from '../../lib/words.svelte';

void alsoSay({
  fr: () => import('../../../messages/guardians.fr.ftl?raw'),
  en: () => import('../../../messages/guardians.en.ftl?raw'),
  ar: () => import('../../../messages/guardians.ar.ftl?raw'),
});
